"""The refusals that concern an order as a whole."""

from app.domain.orders.order import Order
from app.errors import Denied, Refusal, RefusalCode


def not_found(field: str = "id") -> Denied:
    refusal = Refusal(code=RefusalCode.NOT_FOUND, message="there is no such order", field=(field,))
    return Denied(refusal)


def closed(order: Order, what: str) -> Refusal:
    return Refusal(
        code=RefusalCode.ALREADY_CLOSED,
        message=f"the order is {order.status} and can no longer be {what}",
    )


def already_closed(order: Order) -> Denied:
    return Denied(closed(order, "canceled"), existing_order=order)


def not_yet_answered(order: Order) -> Refusal:
    return Refusal(
        code=RefusalCode.INVALID_STATE,
        message=f"the order is {order.status}: it can be amended once the exchange has answered",
        retryable=True,
    )


def being_canceled() -> Refusal:
    return Refusal(
        code=RefusalCode.INVALID_STATE,
        message="the order is being canceled and can no longer be amended",
    )


def conflict() -> Refusal:
    return Refusal(
        code=RefusalCode.IDEMPOTENCY_CONFLICT,
        message="this clientOrderId has placed an order with other input; use a new one",
        field=("clientOrderId",),
    )


CUT_OFF = "the exchange cannot be reached"
NOT_IN_STEP = "the account is still being compared with its exchange after the start"
SILENT = "the exchange gives no clear answer"
AS_IT_WAS = "the order stands as it was"


def unavailable(why: str = CUT_OFF, consequence: str = "nothing was placed") -> Refusal:
    return Refusal(
        code=RefusalCode.EXCHANGE_UNAVAILABLE,
        message=f"{why}; {consequence}",
        retryable=True,
    )


def unanswered_amendment() -> Refusal:
    """The amendment's result is not known yet; orderUpdates will report it."""
    return Refusal(
        code=RefusalCode.EXCHANGE_UNAVAILABLE,
        message="the exchange gave no clear answer; the order stands as it was last known and is"
        " compared with the exchange again: repeating the amendment is safe",
        retryable=True,
    )


def never_arrived() -> Refusal:
    """The not-found verdict on an order in doubt."""
    return Refusal(
        code=RefusalCode.NOT_FOUND,
        message="the exchange was asked twice and has no such order; it never arrived",
        retryable=True,
    )
