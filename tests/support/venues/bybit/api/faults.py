"""Bybit's own refusals as faults that a test injects into requests."""

import json
from collections.abc import Mapping

from tests.support.venues.bybit.api.refusals import (
    Refused,
    out_of_window,
    too_many_visits,
)
from tests.support.venues.serving.faults import Answer, Fault

# The time at which the tests' clock starts: 2025-06-01T12:00:00Z.
_NOW = 1_748_779_200_000


def answer_of(
    refused: Refused, *, at: int = _NOW, headers: Mapping[str, str] | None = None
) -> Answer:
    body = json.dumps(refused.body(at)).encode()
    return Answer(status=refused.status, body=body, headers={**(headers or {}), **refused.headers})


def refusal(refused: Refused) -> Fault:
    return Fault(outcome=answer_of(refused))


def coded(code: int, message: str) -> Fault:
    return refusal(Refused(code=code, message=message))


def too_many(*, retry_after: int = 7, now: int = _NOW) -> Fault:
    return refusal(too_many_visits(reset_at=now + retry_after * 1000))


# The limit of an address: a page without a code, and for ten minutes.
TOO_MANY_FROM_HERE = Fault(
    outcome=Answer(status=403, body=b"access too frequent", content_type="text/plain")
)
CREATION_TIMEOUT = coded(170146, "Order creation timeout.")
UNKNOWN_OUTCOME = CREATION_TIMEOUT
SERVER_TIMEOUT = coded(10000, "Server Timeout")
REQUEST_TIMEOUT = coded(10016, "Request timeout, please try again later")
INTERNAL_ERROR = coded(10016, "Internal server error.")
BACKEND_TIMEOUT = coded(170007, "Timeout waiting for response from backend server.")
SUBMITTED = coded(170035, "Submitted to the system for processing!")
DUPLICATE = coded(170141, "This id was seen before")
CREATE_FAILED = coded(170149, "Create order failed.")
CANCEL_LATER = coded(170191, "Can not cancel order, please try again later.")
CANCELLATION_TIMEOUT = coded(170147, "Order cancellation timeout.")
TOO_MANY_ORDERS = coded(170005, "Too many new orders; current limit is 20 orders per second.")
UNHEARD_OF = coded(177042, "Something that no table knows")
LATE = refusal(out_of_window(timestamp=_NOW - 9000, now=_NOW, window=5000))
