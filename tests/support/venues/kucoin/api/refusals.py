"""KuCoin's refusals: its code and words, in the HTTP status that they come with."""

from dataclasses import dataclass
from typing import Any

from tests.support.venues.engine.declined import Declined, Why


@dataclass(frozen=True, kw_only=True)
class Refused(Exception):
    code: str
    message: str
    # Most refusals come with a status of success, as if they were answers.
    status: int = 200
    reset_milliseconds: int | None = None

    def body(self) -> dict[str, Any]:
        return {"code": self.code, "msg": self.message}


def wrong(message: str) -> Refused:
    return Refused(code="400100", message=message)


def unauthorized(code: str, message: str) -> Refused:
    return Refused(code=code, message=message, status=401)


def late() -> Refused:
    return unauthorized("400002", "KC-API-TIMESTAMP Invalid")


def bad_key() -> Refused:
    return unauthorized("400003", "KC-API-KEY not exists")


def bad_passphrase() -> Refused:
    return unauthorized("400004", "KC-API-PASSPHRASE error")


def bad_signature() -> Refused:
    return unauthorized("400005", "Signature error")


def bad_permission() -> Refused:
    return Refused(code="400007", message="Access denied, require more permission", status=403)


def too_many_requests(*, reset_milliseconds: int) -> Refused:
    return Refused(
        code="429000",
        message="Too many requests in a short period of time, please retry later--kucoin",
        status=429,
        reset_milliseconds=reset_milliseconds,
    )


def no_such_market() -> Refused:
    return Refused(code="900001", message="The symbol does not exist")


def not_traded() -> Refused:
    return Refused(code="400600", message="validation.createOrder.symbolNotAvailable")


def no_such_order() -> Refused:
    return wrong("The order does not exist.")


def not_cancelable() -> Refused:
    return wrong("order_not_exist_or_not_allow_to_cancel")


def duplicate() -> Refused:
    return wrong("The clientOid is duplicated.")


def wrong_increment(what: str) -> Refused:
    return Refused(code="600100", message=f"Order {what} increment invalid.")


def too_small() -> Refused:
    return wrong("Order size below the minimum requirement.")


def too_cheap(least: str) -> Refused:
    return Refused(code="600101", message=f"The order funds should more then {least}.")


def of_the_engine(declined: Declined) -> Refused:
    """KuCoin's words for it."""
    match declined.why:
        case Why.DUPLICATE_ID:
            return duplicate()
        case Why.INSUFFICIENT_FUNDS:
            return Refused(code="200004", message="Balance insufficient!")
        case Why.TOO_SMALL:
            return too_small()
        case Why.WOULD_TAKE | Why.WOULD_TRIGGER:
            return wrong(str(declined.why))
