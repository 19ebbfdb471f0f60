"""Kraken's own refusals as faults that a test injects into requests."""

import json

from tests.support.venues.kraken.api import refusals
from tests.support.venues.kraken.api.refusals import Refused
from tests.support.venues.serving.faults import Answer, Fault


def refusal(refused: Refused) -> Fault:
    return Fault(outcome=answer_of(refused))


def answer_of(refused: Refused) -> Answer:
    body = json.dumps(refused.body).encode()
    return Answer(status=refused.status, body=body, headers=refused.headers)


def word(text: str) -> Fault:
    """Any of Kraken's error texts."""
    return refusal(Refused(word=text))


def too_many(*, retry_after: int = 7) -> Fault:
    """The limit of the whole API, as the proxy in front of it answers: with a pause."""
    headers = {"Retry-After": str(retry_after)}
    return refusal(Refused(word="EAPI:Rate limit exceeded", status=429, headers=headers))


TOO_MANY = too_many()
LOCKED_OUT = word("EGeneral:Temporary lockout")
# Whether the order was placed is not known after these.
UNKNOWN_OUTCOME = word("EGeneral:Internal error")
UNAVAILABLE = word("EService:Unavailable")
BUSY = word("EService:Busy")
DEADLINE_ELAPSED = word("EService:Deadline elapsed")
CANCEL_ONLY = refusal(refusals.market_closed())
LATE = refusal(refusals.invalid_nonce())
