"""Parsers that turn ccxt's orders and trades into order and fill reports."""

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
    """The order with its totals. Raises Unreadable if id, symbol or status cannot be read."""
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
    """The response to a placed order: it needs an id, and may lack everything else.

    Totals without all of the trades that make them are left to those who tell of both.
    """
    if not isinstance(row, Mapping) or text(row, "id") is None:
        raise Unreadable("the exchange answered without an id for the order")
    known = {**row, "symbol": symbol, "status": row.get("status") or "open"}
    # Trades in such a response may lack a time of their own, and all of them took liquidity.
    trades = fills_of(_trades_in(row), at=_time_of(row, now))
    fills = tuple(replace(fill, is_maker=False) for fill in trades)
    report = report_of(known, now=now, wire_id=wire_id, fills=fills)
    if report.filled and money.total(fill.amount for fill in fills) != report.filled:
        return replace(report, status=OrderStatus.OPEN, filled=None, cost=None, refusal=None)
    return report


def answered(row: Row, *, now: datetime, wire_id: str | None = None) -> OrderReport:
    """An order from a lookup: with its current terms and its details."""
    own_id = text(row, "clientOrderId") or wire_id
    report = report_of(row, now=now, wire_id=own_id)
    return replace(report, terms=reported_terms(row), details=details_of(row))


def news_of(row: Row, *, now: datetime, has_trades_beside: bool) -> OrderReport:
    """An order from a stream: without fees, and without totals if trades are streamed too."""
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


def trade_news_of(row: Row, *, now: datetime, are_fees_negated: bool = False) -> OrderReport:
    """A trade from a stream: it proves that its order is partially filled, and nothing more."""
    order_id = text(row, "order")
    fill = fill_of(row)
    if fill is not None and are_fees_negated:
        fill = _with_fee_negated(fill)
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
    """The readable trades, each once; a trade without a time of its own gets `at`."""
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


def _with_fee_negated(fill: FillReport) -> FillReport:
    """With a charge as a positive fee and a rebate as a negative one, as everywhere else."""
    if fill.fee is None:
        return fill
    return replace(fill, fee=replace(fill.fee, amount=money.subtract(money.ZERO, fill.fee.amount)))


def has_mixed_fees(row: object) -> bool:
    """Whether a trade has fees in several currencies; a fill can hold only one."""
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
    """Whether the order was closed before it was completely filled."""
    ordered = amount(row.get("amount"))
    return filled is not None and ordered is not None and filled < ordered


def _refusal(status: OrderStatus, row: Row) -> Refusal | None:
    match status:
        case OrderStatus.REJECTED:
            message = "the exchange took the order and then rejected it"
            return Refusal(code=RefusalCode.REJECTED_BY_EXCHANGE, message=message)
        case OrderStatus.EXPIRED:
            time_in_force = text(row, "timeInForce")
            words = f" {time_in_force}" if time_in_force else ""
            message = f"the exchange let the{words} order expire"
            return Refusal(code=RefusalCode.REJECTED_BY_EXCHANGE, message=message, retryable=True)
        case _:
            return None


def _symbol_of(row: Row) -> str:
    symbol = text(row, "symbol")
    if symbol is None:
        raise Unreadable("the exchange reported an order without its market")
    return symbol


def _id_of(row: Row) -> str:
    order_id = text(row, "id")
    if order_id is None:
        raise Unreadable("the exchange reported an order without an id")
    return order_id


def _time_of(row: Row, now: datetime) -> datetime:
    times = (moment(row.get(name)) for name in _TIMES)
    return next((at for at in times if at is not None), now)


def _trades_in(row: Row) -> list[object]:
    trades = row.get("trades")
    return [row for row in trades if isinstance(row, Mapping)] if isinstance(trades, list) else []


def _fee_of(row: Row) -> Fee | None:
    """The sum of the trade's fees in the first currency named; None if it names none."""
    sums: dict[str, Decimal] = {}
    for currency, cost in _costs_in(row):
        sums[currency] = money.add(sums.get(currency, money.ZERO), cost)
    return next((Fee(currency=name, amount=cost) for name, cost in sums.items()), None)


def _costs_in(row: Row) -> list[tuple[str, Decimal]]:
    """What was paid by currency; nothing at all beside something paid is no fee."""
    every = list(_every_cost_in(row))
    return [(currency, cost) for currency, cost in every if cost] or every


def _every_cost_in(row: Row) -> Iterator[tuple[str, Decimal]]:
    fees = row.get("fees")
    for fee in fees if isinstance(fees, list) and fees else (row.get("fee"),):
        if not isinstance(fee, Mapping):
            continue
        currency, cost = text(fee, "currency"), exact(fee.get("cost"))
        if currency is not None and cost is not None:
            yield currency, cost
