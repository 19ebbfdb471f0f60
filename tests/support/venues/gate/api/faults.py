"""Gate's own refusals as faults that a test injects into requests."""

import json

from tests.support.venues.gate.api.refusals import Refused, late, repeated, too_many_requests
from tests.support.venues.serving.faults import Answer, Fault


def refusal(refused: Refused) -> Fault:
    return Fault(outcome=answer_of(refused))


def answer_of(refused: Refused) -> Answer:
    reset = refused.reset_at
    headers = {} if reset is None else {"X-Gate-RateLimit-Reset-Timestamp": str(reset)}
    body = json.dumps(refused.body).encode()
    return Answer(status=refused.status, body=body, headers=headers)


def too_many(*, retry_after: int = 7, now: int) -> Fault:
    return refusal(too_many_requests(reset_at=now + retry_after * 1000))


def of_label(label: str, message: str, *, status: int = 400) -> Fault:
    return refusal(Refused(status=status, label=label, message=message))


LATE = refusal(late())
UNKNOWN_OUTCOME = of_label("SERVER_ERROR", "Internal server error", status=500)
# Every label that does not say whether there is an order.
PROVE_NOTHING = {
    "SERVER_ERROR": UNKNOWN_OUTCOME,
    "INTERNAL": of_label("INTERNAL", "Internal error", status=500),
    "TOO_BUSY": of_label("TOO_BUSY", "Gate is too busy right now", status=503),
    # There is an order with this text already.
    "REPEATED_CREATION": refusal(repeated()),
    "CANCEL_FAIL": of_label("CANCEL_FAIL", "Order cancel failed"),
    "UNHEARD_OF": of_label("UNHEARD_OF", "a label that nobody knows"),
}
