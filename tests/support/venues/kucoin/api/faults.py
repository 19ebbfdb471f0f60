"""KuCoin's own refusals as faults that a test injects into requests."""

import json

from tests.support.venues.kucoin.api.refusals import Refused, duplicate, late, too_many_requests
from tests.support.venues.serving.faults import Answer, Fault


def refusal(refused: Refused) -> Fault:
    return Fault(outcome=answer_of(refused))


def answer_of(refused: Refused) -> Answer:
    left = refused.reset_milliseconds
    headers = {} if left is None else {"gw-ratelimit-reset": str(left)}
    body = json.dumps(refused.body()).encode()
    return Answer(status=refused.status, body=body, headers=headers)


def too_many(*, retry_after: int = 7) -> Fault:
    return refusal(too_many_requests(reset_milliseconds=retry_after * 1000))


def _code(code: str, message: str, *, status: int = 200) -> Fault:
    return refusal(Refused(code=code, message=message, status=status))


LATE = refusal(late())
UNKNOWN_OUTCOME = _code("500000", "Internal Server Error", status=500)
NETWORK_TIMEOUT = _code("408000", "Network timeout, please try again later")
SERVICE_FAILED = _code("126038", "Third-party service call failed (internal exception)")
SERVICE_FAILED_WHY = _code("126039", "Third-party service call failed, reason: timeout")
DUPLICATE = refusal(duplicate())
DUPLICATE_ORDER = _code("126033", "The order was sent before")
ID_TAKEN = _code("126044", "clientOid duplicate")
UNHEARD_OF = _code("777777", "Something new")
PAIR_SUSPENDED = _code("200001", "Order creation for this pair suspended")
TOO_MANY_ORDERS = _code("200003", "Number of orders breached the limit")
PRICE_TOO_HIGH = _code("400370", "Max. price: 0.02500000000000000000")

# Every code that does not say whether there is an order.
PROVE_NOTHING = {
    "500000": UNKNOWN_OUTCOME,
    "408000": NETWORK_TIMEOUT,
    "126033": DUPLICATE_ORDER,
    "126038": SERVICE_FAILED,
    "126039": SERVICE_FAILED_WHY,
    "126044": ID_TAKEN,
    "400100 duplicated": DUPLICATE,
    "777777": UNHEARD_OF,
}
