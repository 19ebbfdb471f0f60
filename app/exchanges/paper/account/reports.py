"""Conversion of ledger entries to the port's order and fill reports."""

from collections.abc import Iterable

from app.domain import money
from app.domain.orders.reports import FillReport, OrderDetails, OrderReport, ReportedTerms
from app.domain.paper_ledger import PaperOrder, PaperTrade

_ORDER = "P"
_TRADE = "T"


def report_of(order: PaperOrder, trades: Iterable[PaperTrade]) -> OrderReport:
    fills = tuple(_fill(trade) for trade in trades)
    return OrderReport(
        symbol=order.symbol,
        wire_id=None if order.is_liquidation else order.wire_id,
        exchange_order_id=f"{_ORDER}{order.number}",
        status=order.status,
        at=order.updated_at,
        fills=fills,
        filled=order.filled,
        cost=money.total(money.multiply(fill.price, fill.amount) for fill in fills),
        terms=ReportedTerms(version=order.amendments, terms=order.terms.amendable),
        details=_details(order) if order.is_liquidation else None,
        refusal=order.refusal,
    )


def number_of(exchange_order_id: str | None) -> int | None:
    """The ledger's number in one of our order ids; None if it is not one of ours."""
    if exchange_order_id is None or not exchange_order_id.startswith(_ORDER):
        return None
    digits = exchange_order_id.removeprefix(_ORDER)
    return int(digits) if digits.isascii() and digits.isdecimal() else None


def _details(order: PaperOrder) -> OrderDetails:
    """The details of a liquidation, which orderdeck has not placed and has to import."""
    return OrderDetails(
        client_order_id=order.wire_id,
        symbol=order.symbol,
        side=order.side,
        type=order.type,
        time_in_force=order.time_in_force,
        reduce_only=order.reduce_only,
        position_type=order.position_type,
        leverage=order.leverage,
        created_at=order.created_at,
    )


def _fill(trade: PaperTrade) -> FillReport:
    return FillReport(
        trade_id=f"{_TRADE}{trade.number}",
        price=trade.price,
        amount=trade.amount,
        fee=trade.fee,
        is_maker=trade.is_maker,
        at=trade.at,
    )
