"""Bybit's refusals: mostly a code in a response with HTTP status 200."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from tests.support.venues.engine.declined import Declined, Why


@dataclass(frozen=True, kw_only=True)
class Refused(Exception):
    """A request that is answered with an error."""

    code: int
    message: str
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)

    def body(self, at: int) -> dict[str, object]:
        return {
            "retCode": self.code,
            "retMsg": self.message,
            "result": {},
            "retExtInfo": {},
            "time": at,
        }


def parameter_error(message: str) -> Refused:
    return Refused(code=10001, message=message)


def out_of_window(*, timestamp: int, now: int, window: int) -> Refused:
    message = (
        "invalid request, please check your server timestamp or recv_window param."
        f" req_timestamp[{timestamp}],server_timestamp[{now}],recv_window[{window}]"
    )
    return Refused(code=10002, message=message)


def bad_key() -> Refused:
    return Refused(code=10003, message="API key is invalid.")


def bad_signature() -> Refused:
    message = "Error sign, please check your signature generation algorithm."
    return Refused(code=10004, message=message)


def no_permission() -> Refused:
    message = "Permission denied, please check your API key permissions."
    return Refused(code=10005, message=message)


def too_many_visits(*, reset_at: int) -> Refused:
    headers = {"X-Bapi-Limit-Status": "0", "X-Bapi-Limit-Reset-Timestamp": str(reset_at)}
    message = "Too many visits. Exceeded the API Rate Limit."
    return Refused(code=10006, message=message, headers=headers)


def invalid_symbol() -> Refused:
    return Refused(code=170121, message="Invalid symbol.")


def malformed(name: str) -> Refused:
    return Refused(code=170130, message=f"Data sent for parameter '{name}' is not valid.")


def too_many_decimals_in_price() -> Refused:
    return Refused(code=170134, message="Order price has too many decimals.")


def quantity_too_large() -> Refused:
    return Refused(code=170135, message="Order quantity exceeded upper limit.")


def quantity_too_small() -> Refused:
    return Refused(code=170136, message="Order quantity exceeded lower limit.")


def too_many_decimals_in_quantity() -> Refused:
    return Refused(code=170137, message="Order quantity has too many decimals.")


def value_too_small() -> Refused:
    return Refused(code=170140, message="Order value exceeded lower limit.")


def duplicate_name() -> Refused:
    return Refused(code=170141, message="Duplicate clientOrderId")


def no_such_order() -> Refused:
    return Refused(code=170213, message="Order does not exist.")


def unchanged() -> Refused:
    message = "The order remains unchanged as the parameters entered match the existing ones."
    return parameter_error(message)


def of_the_engine(declined: Declined) -> Refused:
    """Bybit's words for it."""
    match declined.why:
        case Why.DUPLICATE_ID:
            return duplicate_name()
        case Why.INSUFFICIENT_FUNDS:
            return Refused(code=170131, message="Insufficient balance.")
        case Why.TOO_SMALL:
            return quantity_too_small()
        case Why.WOULD_TAKE:
            message = "The LIMIT-MAKER order is rejected due to invalid price."
            return Refused(code=170218, message=message)
        case Why.WOULD_TRIGGER:
            return malformed("triggerPrice")
