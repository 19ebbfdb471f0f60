"""OKX's own refusals as faults that a test injects into requests."""

import json

from tests.support.venues.okx.api.refusals import Refused, late, of_order, too_many_requests
from tests.support.venues.serving.faults import Answer, Fault


def refusal(refused: Refused) -> Fault:
    return Fault(outcome=answer_of(refused))


def answer_of(refused: Refused, client_order_id: str = "") -> Answer:
    pause = refused.retry_after
    headers = {} if pause is None else {"Retry-After": str(pause)}
    body = json.dumps(refused.body(client_order_id)).encode()
    return Answer(status=refused.status, body=body, headers=headers)


def too_many(*, retry_after: int = 7) -> Fault:
    return refusal(too_many_requests(retry_after=retry_after))


LATE = refusal(late())
# "Endpoint request timeout (does not mean that the request was successful or failed)".
UNKNOWN_OUTCOME = refusal(
    Refused(
        status=400,
        code="50004",
        message=(
            "API endpoint request timeout (does not mean that the request was successful or"
            " failed, please check the request result)."
        ),
    )
)
MATCHING_UPGRADE = refusal(
    Refused(status=503, code="50001", message="Service temporarily unavailable. Try again later.")
)
OFFLINE = refusal(Refused(status=410, code="50005", message="API is offline or unavailable."))
BUSY = refusal(
    Refused(status=429, code="50013", message="Systems are busy. Please try again later.")
)
SYSTEM_ERROR = refusal(Refused(status=500, code="50026", message="System error. Try again later."))
REQUEST_TIMED_OUT = refusal(
    Refused(status=500, code="51054", message="Request timed out. Please try again.")
)
ORDER_TIMED_OUT = refusal(of_order("51149", "Order timed out. Please try again."))
INTERNAL_ERROR = refusal(Refused(code="63999", message="Internal system error"))
OPERATION_FAILED = refusal(Refused(code="1", message="Operation failed."))
# The limit of orders of the whole sub-account, which it says of the one order.
TOO_MANY_ORDERS = refusal(
    of_order("50061", "You've reached the maximum order rate limit for this account.")
)


# Every code that does not say whether there is an order.
PROVE_NOTHING = {
    "50001": MATCHING_UPGRADE,
    "50004": UNKNOWN_OUTCOME,
    "50005": OFFLINE,
    "50013": BUSY,
    "50026": SYSTEM_ERROR,
    "51054": REQUEST_TIMED_OUT,
    "51149": ORDER_TIMED_OUT,
    "63999": INTERNAL_ERROR,
    "1": OPERATION_FAILED,
}
