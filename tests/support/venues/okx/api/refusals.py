"""OKX's refusals: its code and words, in the HTTP status that they come with."""

from dataclasses import dataclass
from typing import Any

from tests.support.venues.engine.declined import Declined, Why

_FAILED = "1"


@dataclass(frozen=True, kw_only=True)
class Refused(Exception):
    code: str
    message: str
    status: int = 200
    # Whether it concerns one order of a request that was otherwise well: it stands in the data.
    is_of_order: bool = False
    retry_after: int | None = None

    def body(self, client_order_id: str = "") -> dict[str, Any]:
        if not self.is_of_order:
            return {"code": self.code, "msg": self.message, "data": []}
        row = {
            "clOrdId": client_order_id,
            "ordId": "",
            "sCode": self.code,
            "sMsg": self.message,
            "tag": "",
        }
        return {"code": _FAILED, "msg": "All operations failed", "data": [row]}


def of_order(code: str, message: str) -> Refused:
    return Refused(code=code, message=message, is_of_order=True)


def unauthorized(code: str, message: str) -> Refused:
    return Refused(status=401, code=code, message=message)


def too_many_requests(*, retry_after: int | None = None) -> Refused:
    message = "Too Many Requests"
    return Refused(status=429, code="50011", message=message, retry_after=retry_after)


def late() -> Refused:
    return unauthorized("50102", "Timestamp request expired")


def bad_key() -> Refused:
    return unauthorized("50111", "Invalid OK-ACCESS-KEY")


def bad_passphrase() -> Refused:
    return unauthorized("50105", "Request header OK-ACCESS-PASSPHRASE incorrect.")


def bad_signature() -> Refused:
    return unauthorized("50113", "Invalid Sign")


def bad_permission() -> Refused:
    message = "Your API key doesn't have the permission for this request."
    return unauthorized("50120", message)


def wrong(name: str) -> Refused:
    return Refused(code="51000", message=f"Parameter {name} error")


def no_such_market() -> Refused:
    message = "Instrument ID, Instrument ID code, or Spread ID doesn't exist."
    return Refused(code="51001", message=message)


def no_such_order() -> Refused:
    return Refused(code="51603", message="Order does not exist")


def not_cancelable() -> Refused:
    message = "Cancellation failed as the order has been filled, canceled or does not exist."
    return of_order("51400", message)


def not_amendable() -> Refused:
    return of_order("51503", "Modification failed as the order does not exist.")


def would_take() -> Refused:
    message = "Modification failed as the order price did not meet the requirement for Post Only."
    return of_order("51511", message)


def duplicate() -> Refused:
    return of_order("51016", "Client order ID already exists.")


def of_the_engine(declined: Declined) -> Refused:
    """OKX's words for it."""
    match declined.why:
        case Why.DUPLICATE_ID:
            return duplicate()
        case Why.INSUFFICIENT_FUNDS:
            return of_order("51008", "Order failed. Insufficient balance in account.")
        case Why.TOO_SMALL:
            message = "Your order should meet or exceed the minimum order amount."
            return of_order("51020", message)
        case Why.WOULD_TAKE | Why.WOULD_TRIGGER:
            return of_order("51000", f"Parameter error: {declined.why}")
