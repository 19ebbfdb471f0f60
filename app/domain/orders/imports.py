"""Imports of external orders: those found on the exchange and not placed through orderdeck."""

from dataclasses import replace
from datetime import datetime
from hashlib import blake2b

from app.domain.order_kinds import OrderSource
from app.domain.orders.order import Order, OrderStatus
from app.domain.orders.reports import OrderReport
from app.domain.orders.requests import CLIENT_ORDER_ID

# Instead of a request's fingerprint: it equals that of no request.
FINGERPRINT = "external"


def is_importable(report: OrderReport) -> bool:
    """Whether the report has the details and terms needed to import the order."""
    return report.details is not None and report.terms is not None


def imported_order(account: str, report: OrderReport, *, id: str, at: datetime) -> Order:
    """The imported order, still open and unfilled: applying the report adds fills and close."""
    assert report.details is not None  # noqa: S101 - called only for importable reports
    assert report.terms is not None  # noqa: S101
    details = report.details
    own = _generated_id(report.symbol, report.exchange_order_id)
    named = details.client_order_id or ""
    return Order(
        id=id,
        account=account,
        client_order_id=named if CLIENT_ORDER_ID.fullmatch(named) else own,
        # Its own client order id may be reused for another order, so the exchange's id names it.
        wire_id=own,
        exchange_order_id=report.exchange_order_id,
        symbol=details.symbol,
        terms=details.with_terms(report.terms.terms),
        status=OrderStatus.OPEN,
        amendments=report.terms.version or 0,
        source=OrderSource.EXTERNAL,
        exchange_type=details.exchange_type,
        created_at=details.created_at,
        updated_at=at,
    )


def under_other_names(order: Order) -> Order:
    """The order under a generated id, if a client of ours already uses its client order id."""
    return replace(order, client_order_id=_generated_id(order.symbol, str(order.exchange_order_id)))


def _generated_id(symbol: str, exchange_order_id: str) -> str:
    """A clientOrderId derived from the exchange's id: always the same for the same order."""
    name = f"{symbol} {exchange_order_id}"
    return f"ext-{blake2b(name.encode(), digest_size=16).hexdigest()}"
