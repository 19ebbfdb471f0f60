"""Parses GraphQL requests from URLs and bodies, strictly, and with limits on size and time."""

import asyncio
import json
from collections.abc import Mapping
from typing import Any, NoReturn

from cross_web import HTTPException, StarletteRequestAdapter
from starlette.requests import Request
from strawberry.exceptions import MissingQueryError
from strawberry.http import GraphQLRequestData

from schema.http.media_types import JSON, is_json
from schema.scalars import MAX_INTEGER_DIGITS

MAX_BODY_BYTES = 1024 * 1024
BODY_SECONDS = 10

_IN_URLS = ("query", "operationName", "variables", "extensions")
_JSON_IN_URLS = {"variables", "extensions"}


class RejectedRequest(HTTPException):
    """A malformed request, which is answered with this status and never executed."""

    def __init__(self, status: int, reason: str, **headers: str) -> None:
        super().__init__(status, reason)
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}


class RequestAdapter(StarletteRequestAdapter):
    """Keeps the Starlette request, which Strawberry's adapter hides from parse_http_body."""

    def __init__(self, request: Request) -> None:
        super().__init__(request)
        self.request = request


async def read(request: Request) -> GraphQLRequestData:
    values = _from_url(request) if request.method == "GET" else await _from_body(request)
    query = values.get("query")
    if query is None:
        raise RejectedRequest(400, "there is no query") from MissingQueryError()
    return GraphQLRequestData(
        query=_checked("query", query, str),
        variables=_checked("variables", values.get("variables"), dict),
        operation_name=_checked("operationName", values.get("operationName"), str),
        extensions=_checked("extensions", values.get("extensions"), dict),
    )


def decode(data: str | bytes) -> object:
    """Decode strict JSON in UTF-8; anything else raises JSONDecodeError."""
    try:
        text = data if isinstance(data, str) else data.decode()
        return json.loads(text, parse_int=_read_integer, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise json.JSONDecodeError("not JSON", "", 0) from error


def _read_integer(digits: str) -> int:
    """Refuse long integers: Python reads them slowly, and not at all over 4,300 digits."""
    if len(digits) > MAX_INTEGER_DIGITS:
        raise ValueError(f"a whole number of more than {MAX_INTEGER_DIGITS} digits")
    return int(digits)


def _refuse_constant(name: str) -> NoReturn:
    """Python's json reads NaN, Infinity and -Infinity, which JSON does not have."""
    raise ValueError(f"{name} is not JSON")


def _checked(name: str, value: Any, kind: type) -> Any:
    if not isinstance(value, kind | None):
        words = "a string" if kind is str else "an object"
        raise RejectedRequest(400, f"{name} must be {words}")
    return value


def _from_url(request: Request) -> Mapping[str, Any]:
    """The parameters of a GET; an empty one counts as absent, except for the query."""
    values: dict[str, Any] = {}
    for name in _IN_URLS:
        given = request.query_params.getlist(name)
        if len(given) > 1:
            raise RejectedRequest(400, f"{name} must be given once")
        if given and (given[0] or name == "query"):
            values[name] = _decoded(name, given[0]) if name in _JSON_IN_URLS else given[0]
    return values


async def _from_body(request: Request) -> Mapping[str, Any]:
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise RejectedRequest(415, "a body must not be compressed", Accept_Encoding="identity")
    if not is_json(request.headers.get("content-type")):
        raise RejectedRequest(
            415, f"the Content-Type of a body must be {JSON}, in UTF-8", Accept_Post=JSON
        )
    values = _decoded("the body", await _read_body(request))
    if not isinstance(values, dict):
        raise RejectedRequest(400, "the body must be a JSON object")
    return values


def _decoded(name: str, data: str | bytes) -> object:
    try:
        return decode(data)
    except json.JSONDecodeError as error:
        raise RejectedRequest(400, f"{name} must be JSON") from error


async def _read_body(request: Request) -> bytes:
    """The whole body; never more than the limit is held in memory."""
    length = request.headers.get("content-length", "0")
    if len(length) > len(str(MAX_BODY_BYTES)) or int(length) > MAX_BODY_BYTES:
        raise _too_large()
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_SECONDS):
            async for part in request.stream():
                body += part
                if len(body) > MAX_BODY_BYTES:
                    raise _too_large()
    except TimeoutError:
        words = f"the body did not come within {BODY_SECONDS} s"
        raise RejectedRequest(408, words, Connection="close") from None
    return bytes(body)


def _too_large() -> RejectedRequest:
    return RejectedRequest(413, f"a body has {MAX_BODY_BYTES} bytes at most")
