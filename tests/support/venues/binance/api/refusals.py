"""Binance's error answers: HTTP status, code and message."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from tests.support.venues.engine.declined import Declined, Why


@dataclass(kw_only=True, eq=False)
class Refused(Exception):
    status: int = 400
    code: int
    message: str
    headers: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.code} {self.message}"

    @property
    def body(self) -> dict[str, object]:
        return {"code": self.code, "msg": self.message}


def too_many_requests(*, limit: int, retry_after: int) -> Refused:
    message = (
        f"Too much request weight used; current limit is {limit} request weight per 1 MINUTE."
        " Please use WebSocket Streams for live updates to avoid polling the API."
    )
    headers = {"Retry-After": str(retry_after)}
    return Refused(status=429, code=-1003, message=message, headers=headers)


def banned(*, until: int, retry_after: int) -> Refused:
    message = (
        f"Way too much request weight used; IP banned until {until}."
        " Please use WebSocket Streams for live updates to avoid bans."
    )
    headers = {"Retry-After": str(retry_after)}
    return Refused(status=418, code=-1003, message=message, headers=headers)


def filter_failure(name: str) -> Refused:
    return Refused(code=-1013, message=f"Filter failure: {name}")


def market_closed() -> Refused:
    return Refused(code=-1013, message="Market is closed.")


def timestamp_ahead() -> Refused:
    message = "Timestamp for this request was 1000ms ahead of the server's time."
    return Refused(code=-1021, message=message)


def timestamp_behind() -> Refused:
    message = "Timestamp for this request is outside of the recvWindow."
    return Refused(code=-1021, message=message)


def bad_signature() -> Refused:
    return Refused(code=-1022, message="Signature for this request is not valid.")


def illegal(name: str, range_: str) -> Refused:
    message = f"Illegal characters found in parameter '{name}'; legal range is '{range_}'."
    return Refused(code=-1100, message=message)


def missing(name: str) -> Refused:
    message = f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed."
    return Refused(code=-1102, message=message)


def not_required(name: str) -> Refused:
    return Refused(code=-1106, message=f"Parameter '{name}' sent when not required.")


def unknown_value(code: int, name: str) -> Refused:
    return Refused(code=code, message=f"Invalid {name}.")


def receive_window_too_large() -> Refused:
    return Refused(code=-1131, message="recvWindow must be less than 60000.")


def order_rejected(message: str) -> Refused:
    return Refused(code=-2010, message=message)


def duplicate_order() -> Refused:
    return order_rejected("Duplicate order sent.")


def insufficient_balance() -> Refused:
    return order_rejected("Account has insufficient balance for requested action.")


def unknown_order() -> Refused:
    return Refused(code=-2011, message="Unknown order sent.")


def no_such_order() -> Refused:
    return Refused(code=-2013, message="Order does not exist.")


def bad_key_format() -> Refused:
    return Refused(status=401, code=-2014, message="API-key format invalid.")


def bad_key() -> Refused:
    message = "Invalid API-key, IP, or permissions for action."
    return Refused(status=401, code=-2015, message=message)


def of_the_engine(declined: Declined) -> Refused:
    """Binance's words for it."""
    match declined.why:
        case Why.DUPLICATE_ID:
            return duplicate_order()
        case Why.INSUFFICIENT_FUNDS:
            return insufficient_balance()
        case Why.TOO_SMALL:
            return filter_failure("LOT_SIZE")
        case Why.WOULD_TAKE:
            return order_rejected("Order would immediately match and take.")
        case Why.WOULD_TRIGGER:
            return order_rejected("Order would trigger immediately.")
