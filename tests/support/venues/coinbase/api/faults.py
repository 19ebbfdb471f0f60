"""Coinbase's own refusals as faults that a test injects into requests."""

from tests.support.venues.coinbase.api.refusals import (
    Refused,
    answer_of,
    of_order,
    of_request,
    previewed,
    too_many_requests,
    unauthorized,
)
from tests.support.venues.serving.faults import Fault


def refusal(refused: Refused) -> Fault:
    return Fault(outcome=answer_of(refused))


def order_refused(reason: str) -> Fault:
    """One of the reasons for which a new order is refused."""
    if reason.startswith("PREVIEW_"):
        return refusal(previewed(reason))
    return refusal(of_order(reason))


def too_many(*, retry_after: int = 7) -> Fault:
    return refusal(too_many_requests(retry_after=retry_after))


TOO_MANY = refusal(too_many_requests())
# A token whose time is over, or has not begun.
LATE = refusal(unauthorized())
# No reason is known: the order may have been placed.
UNKNOWN_OUTCOME = refusal(of_order("UNKNOWN_FAILURE_REASON"))
NO_PREVIEW = refusal(of_order("UNKNOWN_FAILURE_REASON", preview="UNKNOWN_PREVIEW_FAILURE_REASON"))
INTERNAL = refusal(of_request(500, "INTERNAL", "internal error"))
UNAVAILABLE = refusal(of_request(503, "UNAVAILABLE", "upstream connect error"))
DEADLINE = refusal(of_request(504, "DEADLINE_EXCEEDED", "context deadline exceeded"))
UNHEARD_OF = order_refused("SOMETHING_THAT_NO_TABLE_KNOWS")

# Everything that does not say whether there is an order.
PROVE_NOTHING = {
    "UNKNOWN_FAILURE_REASON": UNKNOWN_OUTCOME,
    "UNKNOWN_PREVIEW_FAILURE_REASON": NO_PREVIEW,
    "INTERNAL": INTERNAL,
    "UNAVAILABLE": UNAVAILABLE,
    "DEADLINE_EXCEEDED": DEADLINE,
    "unknown": UNHEARD_OF,
}
