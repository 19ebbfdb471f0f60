"""Taking in orders that were found on the exchange and placed by nobody here."""

from dataclasses import replace
from datetime import datetime
from hashlib import blake2b

from app.domain.order_kinds import OrderSource
from app.domain.orders.order import Order, OrderStatus
from app.domain.orders.reports import OrderReport
from app.domain.orders.requests import CLIENT_ORDER_ID

# What stands where a request's fingerprint would: no request is ever the same.
FINGERPRINT = "external"


def is_importable(report: OrderReport) -> bool:
    """Whether it tells enough to know what the order is."""
    return report.details is not None and report.terms is not None


def imported_order(account: str, report: OrderReport, *, id: str, at: datetime) -> Order:
    """The order as it is taken in; what it has traded and whether it closed comes behind."""
    assert report.details is not None  # noqa: S101 - asked only of what is importable
    assert report.terms is not None  # noqa: S101
    details = report.details
    own = _own_name(report.symbol, report.exchange_order_id)
    named = details.client_order_id or ""
    return Order(
        id=id,
        account=account,
        client_order_id=named if CLIENT_ORDER_ID.fullmatch(named) else own,
        # Whoever placed it may give the same name to the next one: it is known by its number.
        wire_id=own,
        exchange_order_id=report.exchange_order_id,
        symbol=details.symbol,
        terms=details.with_terms(report.terms.terms),
        status=OrderStatus.OPEN,
        amendments=report.terms.version or 0,
        source=OrderSource.EXTERNAL,
        created_at=details.created_at,
        updated_at=at,
    )


def under_other_names(order: Order) -> Order:
    """Where a client here has used the same name for an order of its own."""
    return replace(order, client_order_id=_own_name(order.symbol, str(order.exchange_order_id)))


def _own_name(symbol: str, exchange_order_id: str) -> str:
    """The same for the same order whenever it is found, in the shape of a clientOrderId."""
    name = f"{symbol} {exchange_order_id}"
    return f"ext-{blake2b(name.encode(), digest_size=16).hexdigest()}"
