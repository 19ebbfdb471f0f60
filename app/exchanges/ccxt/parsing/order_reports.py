"""An exchange's orders and trades as ccxt gives them, in the words of the port."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from decimal import Decimal

from app.domain import money
from app.domain.fills import Fee
from app.domain.orders.order import OrderStatus
from app.domain.orders.reports import FillReport, OrderReport
from app.errors import Refusal, RefusalCode
from app.exchanges.ccxt.parsing.failures import Unreadable
from app.exchanges.ccxt.parsing.numbers import amount, exact, moment, positive, text
from app.exchanges.ccxt.parsing.order_terms import Row, details_of, reported_terms

_TIMES = ("lastUpdateTimestamp", "lastTradeTimestamp", "timestamp")


def report_of(
    row: Row, *, now: datetime, wire_id: str | None = None, fills: tuple[FillReport, ...] = ()
) -> OrderReport:
    """An order with its totals; Unreadable where it does not say what must be known."""
    filled = amount(row.get("filled"))
    status = _status(row, filled)
    return OrderReport(
        symbol=_symbol_of(row),
        wire_id=wire_id or text(row, "clientOrderId"),
        exchange_order_id=_id_of(row),
        status=status,
        at=_time_of(row, now),
        fills=fills,
        filled=filled,
        cost=amount(row.get("cost")) if filled else filled,
        refusal=_refusal(status, row),
    )


def accepted(row: object, *, wire_id: str, symbol: str, now: datetime) -> OrderReport:
    """The answer to an order: an id is what makes it one, however little else there is."""
    if not isinstance(row, Mapping) or text(row, "id") is None:
        raise Unreadable("the exchange answered without an id for the order")
    known = {**row, "symbol": symbol, "status": row.get("status") or "open"}
    # The trades in such an answer may bear no time of their own, and none of them has waited.
    told = fills_of(_trades_in(row), at=_time_of(row, now))
    fills = tuple(replace(fill, is_maker=False) for fill in told)
    return report_of(known, now=now, wire_id=wire_id, fills=fills)


def answered(row: Row, *, now: datetime, wire_id: str | None = None) -> OrderReport:
    """An order as the exchange tells it when it is asked: with the terms that it has just now."""
    own_id = text(row, "clientOrderId") or wire_id
    report = report_of(row, now=now, wire_id=own_id)
    return replace(report, terms=reported_terms(row), details=details_of(row))


def news_of(row: Row, *, now: datetime, has_trades_beside: bool) -> OrderReport:
    """An order as a stream tells it: never its fees, and no totals where trades come beside it."""
    report = report_of(row, now=now)
    if not has_trades_beside:
        return report
    return OrderReport(
        symbol=report.symbol,
        wire_id=report.wire_id,
        exchange_order_id=report.exchange_order_id,
        status=report.status,
        at=report.at,
        refusal=report.refusal,
    )


def trade_news_of(row: Row, *, now: datetime) -> OrderReport:
    """A trade by itself: some of its order is filled, and that is all that it says."""
    order_id = text(row, "order")
    fill = fill_of(row)
    if order_id is None or fill is None:
        raise Unreadable("a trade without an order, an id, a price or an amount")
    return OrderReport(
        symbol=_symbol_of(row),
        wire_id=None,
        exchange_order_id=order_id,
        status=OrderStatus.PARTIALLY_FILLED,
        at=moment(row.get("timestamp")) or now,
        fills=(fill,),
    )


def fills_of(rows: Iterable[object], *, at: datetime | None = None) -> tuple[FillReport, ...]:
    """The trades that can be read, each once, at their own time or else at this."""
    found: dict[str, FillReport] = {}
    for row in rows:
        fill = fill_of(row, at=at) if isinstance(row, Mapping) else None
        if fill is not None:
            found.setdefault(fill.trade_id, fill)
    return tuple(found.values())


def fill_of(row: Row, *, at: datetime | None = None) -> FillReport | None:
    trade_id, traded_at = text(row, "id"), moment(row.get("timestamp")) or at
    price, traded = positive(row.get("price")), positive(row.get("amount"))
    if trade_id is None or traded_at is None or price is None or traded is None:
        return None
    return FillReport(
        trade_id=trade_id,
        price=price,
        amount=traded,
        fee=_fee_of(row),
        is_maker={"maker": True, "taker": False}.get(str(row.get("takerOrMaker"))),
        at=traded_at,
    )


def has_mixed_fees(row: object) -> bool:
    """Whether a trade was paid for in several currencies, of which a fill can bear one."""
    return isinstance(row, Mapping) and len({currency for currency, _ in _costs_in(row)}) > 1


def _status(row: Row, filled: Decimal | None) -> OrderStatus:
    match row.get("status"):
        case "open" | "canceling":
            return OrderStatus.PARTIALLY_FILLED if filled else OrderStatus.OPEN
        case "closed":
            return OrderStatus.CANCELED if _is_short(row, filled) else OrderStatus.FILLED
        case "canceled":
            return OrderStatus.CANCELED
        case "expired":
            return OrderStatus.EXPIRED
        case "rejected":
            return OrderStatus.CANCELED if filled else OrderStatus.REJECTED
        case other:
            raise Unreadable(f"the exchange gives the order a status of {str(other)[:40]!r}")


def _is_short(row: Row, filled: Decimal | None) -> bool:
    """Whether it was closed before all of it was filled."""
    wanted = amount(row.get("amount"))
    return filled is not None and wanted is not None and filled < wanted


def _refusal(status: OrderStatus, row: Row) -> Refusal | None:
    match status:
        case OrderStatus.REJECTED:
            message = "the exchange took the order and then rejected it"
            return Refusal(code=RefusalCode.REJECTED_BY_EXCHANGE, message=message)
        case OrderStatus.EXPIRED:
            lasting = text(row, "timeInForce")
            message = f"the exchange let the{f' {lasting}' if lasting else ''} order expire"
            return Refusal(code=RefusalCode.REJECTED_BY_EXCHANGE, message=message, retryable=True)
        case _:
            return None


def _symbol_of(row: Row) -> str:
    found = text(row, "symbol")
    if found is None:
        raise Unreadable("the exchange tells of an order without its market")
    return found


def _id_of(row: Row) -> str:
    found = text(row, "id")
    if found is None:
        raise Unreadable("the exchange tells of an order without an id")
    return found


def _time_of(row: Row, now: datetime) -> datetime:
    times = (moment(row.get(name)) for name in _TIMES)
    return next((at for at in times if at is not None), now)


def _trades_in(row: Row) -> list[object]:
    trades = row.get("trades")
    return [one for one in trades if isinstance(one, Mapping)] if isinstance(trades, list) else []


def _fee_of(row: Row) -> Fee | None:
    """The sum of what it cost, where that is all in one currency."""
    sums: dict[str, Decimal] = {}
    for currency, cost in _costs_in(row):
        sums[currency] = money.add(sums.get(currency, money.ZERO), cost)
    return next((Fee(currency=name, amount=cost) for name, cost in sums.items()), None)


def _costs_in(row: Row) -> Iterator[tuple[str, Decimal]]:
    fees = row.get("fees")
    for fee in fees if isinstance(fees, list) and fees else (row.get("fee"),):
        if not isinstance(fee, Mapping):
            continue
        currency, cost = text(fee, "currency"), exact(fee.get("cost"))
        if currency is not None and cost is not None:
            yield currency, cost
