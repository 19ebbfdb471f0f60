"""Checks responses of the API, and turns errors into exceptions that say whether to ask again."""

import socket
import ssl
from collections.abc import Iterator, Mapping
from typing import Any, NoReturn

from app.errors import OrderdeckError
from app.server.visible_text import visible

Data = dict[str, Any]
_PASSING = {"INTERNAL_SERVER_ERROR", "RATE_LIMITED", "EXCHANGE_UNAVAILABLE"}
_ADVICE = {
    "UNAUTHENTICATED": "bring a valid token",
    "FORBIDDEN": "bring a token with more scopes",
    "CURSOR_EXPIRED": "the log is no longer kept so far back: begin without a cursor",
    "CURSOR_INVALID": "it is of another database or filter: begin without a cursor",
}


class ApiError(OrderdeckError):
    """The API did not do what was asked: read the message."""


class Disconnected(ApiError):
    """The server does not answer, or cannot just now: ask again later."""


class Refused(ApiError):
    """The server refused, and would refuse again: ask for something else."""


def reason_of(error: BaseException) -> str:
    """Why a server cannot be reached, by the innermost cause that we have words for."""
    known = [words for each in _chain(error) if (words := _words(each)) is not None]
    return visible(known[-1] if known else str(error) or type(error).__name__)


def require_data(response: object, where: str) -> Data:
    """The data of a response. Raises Disconnected or Refused if it has errors."""
    if not isinstance(response, dict) or not ("data" in response or "errors" in response):
        raise Refused(f"{where} is no orderdeck: its answer is not GraphQL")
    if response.get("errors"):
        raise_errors(response["errors"], where)
    if not isinstance(response["data"], dict):
        raise Refused(f"{where} is no orderdeck: its answer holds no data")
    return response["data"]


def require_object(data: Data, name: str) -> Data:
    """A field of the data that is never null in a response without errors."""
    value = data.get(name)
    if not isinstance(value, dict):
        raise Refused(f"the server is no orderdeck: its answer has no {name}")
    return value


def raise_errors(errors: object, where: str) -> NoReturn:
    """Raise the first error: Disconnected if asking again may help, else Refused."""
    first = errors[0] if isinstance(errors, list) and errors else None
    if not isinstance(first, Mapping) or not isinstance(first.get("message"), str):
        raise Refused(f"{where} is no orderdeck: its errors are not GraphQL's")
    extensions = first.get("extensions")
    code = extensions.get("code") if isinstance(extensions, Mapping) else None
    words = f"{code}: {first['message']}" if isinstance(code, str) else first["message"]
    if code in _PASSING:
        raise Disconnected(visible(words))
    advice = _ADVICE.get(code) if isinstance(code, str) else None
    raise Refused(visible(f"{words}; {advice}" if advice else words))


def _words(error: BaseException) -> str | None:
    match error:
        case ConnectionRefusedError():
            return "nothing listens there"
        case socket.gaierror():
            return "its name is not known"
        case ssl.SSLCertVerificationError():
            return f"its certificate is not trusted: {error.verify_message}"
        case ssl.SSLError():
            return f"no TLS is spoken there: {error.reason}"
        case TimeoutError():
            return "it does not answer"
        case _:
            return None


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        group = error.exceptions if isinstance(error, BaseExceptionGroup) else ()
        error = group[0] if group else error.__cause__ or error.__context__
