"""The refusals that speak of an order as a whole."""

from app.domain.orders import Order
from app.errors import Denied, Refusal, RefusalCode


def not_found(field: str = "id") -> Denied:
    refusal = Refusal(code=RefusalCode.NOT_FOUND, message="there is no such order", field=(field,))
    return Denied(refusal)


def already_closed(order: Order) -> Denied:
    refusal = Refusal(
        code=RefusalCode.ALREADY_CLOSED,
        message=f"the order is {order.status} and can no longer be canceled",
    )
    return Denied(refusal, existing_order=order)


def conflict(order: Order) -> Denied:
    refusal = Refusal(
        code=RefusalCode.IDEMPOTENCY_CONFLICT,
        message="this clientOrderId has placed an order with other input; use a new one",
        field=("clientOrderId",),
    )
    return Denied(refusal, existing_order=order)


def unavailable() -> Refusal:
    return Refusal(
        code=RefusalCode.EXCHANGE_UNAVAILABLE,
        message="the exchange cannot be reached; nothing was placed",
        retryable=True,
    )


def never_arrived() -> Refusal:
    """The verdict on an order in doubt: the one no that later news may overturn."""
    return Refusal(
        code=RefusalCode.NOT_FOUND,
        message="the exchange was asked twice and has no such order; it never arrived",
        retryable=True,
    )
