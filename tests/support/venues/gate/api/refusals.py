"""Gate's refusals: a label and a message, in the HTTP status that they come with."""

from dataclasses import dataclass
from typing import Any

from tests.support.venues.engine.declined import Declined, Why


@dataclass(frozen=True, kw_only=True)
class Refused(Exception):
    label: str
    message: str
    status: int = 400
    # When a limit is over, as a time in milliseconds.
    reset_at: int | None = None

    @property
    def body(self) -> dict[str, Any]:
        return {"label": self.label, "message": self.message}


def invalid(what: str) -> Refused:
    return Refused(label="INVALID_PARAM_VALUE", message=f"invalid argument: {what}")


def unauthorized(label: str, message: str) -> Refused:
    return Refused(status=401, label=label, message=message)


def bad_key() -> Refused:
    return unauthorized("INVALID_KEY", "Invalid key provided")


def bad_signature() -> Refused:
    return unauthorized("INVALID_SIGNATURE", "Signature mismatch")


def late() -> Refused:
    message = "gap between request Timestamp and server time exceeds 60"
    return Refused(status=403, label="REQUEST_EXPIRED", message=message)


def forbidden() -> Refused:
    message = "Request forbidden: the key has no permission for this"
    return Refused(status=403, label="FORBIDDEN", message=message)


def too_many_requests(*, reset_at: int | None = None) -> Refused:
    message = "Request Rate limit Exceeded"
    return Refused(status=429, label="TOO_MANY_REQUESTS", message=message, reset_at=reset_at)


def no_such_market(pair: str) -> Refused:
    message = f"Invalid currency pair {pair}"
    return Refused(label="INVALID_CURRENCY_PAIR", message=message)


def no_such_order() -> Refused:
    return Refused(status=404, label="ORDER_NOT_FOUND", message="Order not found")


def closed(*, is_canceled: bool) -> Refused:
    if is_canceled:
        return Refused(label="ORDER_CANCELLED", message="Order cancelled already")
    return Refused(label="ORDER_CLOSED", message="Order closed")


def repeated() -> Refused:
    return Refused(label="REPEATED_CREATION", message="Order with the same text was created")


def too_small(message: str) -> Refused:
    return Refused(label="INVALID_PARAM_VALUE", message=message)


def of_the_engine(declined: Declined) -> Refused:
    """Gate's words for it."""
    match declined.why:
        case Why.DUPLICATE_ID:
            return repeated()
        case Why.INSUFFICIENT_FUNDS:
            return Refused(label="BALANCE_NOT_ENOUGH", message="Not enough balance")
        case Why.TOO_SMALL:
            return Refused(label="AMOUNT_TOO_LITTLE", message="Order size is too small")
        case Why.WOULD_TAKE:
            message = "Order would match and take immediately so its cancelled"
            return Refused(label="POC_FILL_IMMEDIATELY", message=message)
        case Why.WOULD_TRIGGER:
            return invalid(str(declined.why))
