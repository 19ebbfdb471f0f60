"""Binance's own refusals as faults that a test injects into requests."""

import json

from tests.support.venues.binance.api.refusals import (
    Refused,
    banned,
    timestamp_behind,
    too_many_requests,
)
from tests.support.venues.serving.faults import Answer, Fault

_SOME_TIME = 1_767_614_520_000


def refusal(refused: Refused) -> Fault:
    return Fault(outcome=answer_of(refused))


def answer_of(refused: Refused) -> Answer:
    body = json.dumps(refused.body).encode()
    return Answer(status=refused.status, body=body, headers=refused.headers)


def too_many(*, retry_after: int = 7) -> Fault:
    return refusal(too_many_requests(limit=6000, retry_after=retry_after))


TOO_MANY = too_many()
BANNED = refusal(banned(until=_SOME_TIME, retry_after=120))
MAINTENANCE = refusal(Refused(status=503, code=1, message="System is under maintenance."))
UNKNOWN_OUTCOME = refusal(
    Refused(
        status=504,
        code=-1007,
        message=(
            "Timeout waiting for response from backend server."
            " Send status unknown; execution status unknown."
        ),
    )
)
UNEXPECTED_RESPONSE = refusal(
    Refused(
        status=503,
        code=-1006,
        message=(
            "An unexpected response was received from the message bus. Execution status unknown."
        ),
    )
)
OVERLOADED = refusal(
    Refused(
        status=503,
        code=-1008,
        message=(
            "Server is currently overloaded with other requests. Please try again in a few minutes."
        ),
    )
)
LATE = refusal(timestamp_behind())
