"""Coinbase's refusals: of a request in its HTTP status, of an order in a response of status 200."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.support.venues.engine.declined import Declined, Why
from tests.support.venues.serving.faults import Answer

_NO_REASON = "UNKNOWN_FAILURE_REASON"


@dataclass(frozen=True, kw_only=True)
class Refused(Exception):
    """A request that is answered with an error; a text is no JSON."""

    body: Mapping[str, Any] | str
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


def answer_of(refused: Refused) -> Answer:
    if isinstance(refused.body, str):
        return Answer(
            status=refused.status,
            body=refused.body.encode(),
            headers=refused.headers,
            content_type="text/plain",
        )
    body = json.dumps(refused.body).encode()
    return Answer(status=refused.status, body=body, headers=refused.headers)


def of_request(status: int, error: str, message: str) -> Refused:
    body = {"error": error, "error_details": message, "message": message}
    return Refused(status=status, body=body)


def of_order(error: str, message: str = "", *, preview: str | None = None) -> Refused:
    """A new order that is refused, by the engine or by the preview that comes before it."""
    reason = {
        "error": error,
        "message": message,
        "error_details": "",
        **({"preview_failure_reason": preview} if preview else {"new_order_failure_reason": error}),
    }
    return Refused(body={"success": False, "error_response": reason})


def previewed(reason: str) -> Refused:
    return of_order(_NO_REASON, preview=reason)


def unauthorized() -> Refused:
    """Whatever is wrong with the token: the key, the signature, the path or the time."""
    return Refused(status=401, body="Unauthorized\n")


def no_permission() -> Refused:
    return of_request(403, "PERMISSION_DENIED", "Missing required scopes")


def invalid_argument(message: str) -> Refused:
    return of_request(400, "INVALID_ARGUMENT", message)


def no_such_order() -> Refused:
    return of_request(404, "NOT_FOUND", "order with this orderID was not found")


def no_such_product() -> Refused:
    return of_request(404, "NOT_FOUND", "valid product_id is required")


def too_many_requests(*, retry_after: int | None = None) -> Refused:
    headers = {"x-ratelimit-limit": "30", "x-ratelimit-remaining": "0", "x-ratelimit-reset": "1"}
    if retry_after is not None:
        headers["Retry-After"] = str(retry_after)
    message = "too many requests"
    body = {"error": "RESOURCE_EXHAUSTED", "error_details": message, "message": message}
    return Refused(status=429, body=body, headers=headers)


def insufficient_fund() -> Refused:
    words = "Insufficient balance in source account"
    return of_order("INSUFFICIENT_FUND", words, preview="PREVIEW_INSUFFICIENT_FUND")


def of_the_engine(declined: Declined) -> Refused:
    """Coinbase's words for it."""
    match declined.why:
        case Why.DUPLICATE_ID:
            return of_order("INVALID_REQUEST", "duplicate client_order_id")
        case Why.INSUFFICIENT_FUNDS:
            return insufficient_fund()
        case Why.TOO_SMALL:
            return previewed("PREVIEW_INVALID_BASE_SIZE_TOO_SMALL")
        case Why.WOULD_TAKE:
            return of_order("INVALID_LIMIT_PRICE_POST_ONLY", "Limit price would cross the spread")
        case Why.WOULD_TRIGGER:
            return previewed("PREVIEW_STOP_PRICE_BELOW_LAST_TRADE_PRICE")
