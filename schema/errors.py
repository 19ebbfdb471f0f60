"""Turns exceptions into GraphQL errors with a code and no internals, and into audit results."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, ParamSpec, TypeVar

import strawberry
import structlog
from graphql import GraphQLError

from app.domain.access.audit import AuditOutcome, AuditResult, refused
from app.errors import (
    AccessError,
    BrokenOff,
    Denied,
    ExchangeError,
    OrderdeckError,
    RateLimited,
    RefusalCode,
    RequestError,
    StorageUnavailable,
    TooComplex,
)
from app.errors import Refusal as DomainRefusal
from schema import bad_values
from schema.context import Context

_FAULT = "INTERNAL_SERVER_ERROR"

P = ParamSpec("P")
T = TypeVar("T")

_logger = structlog.get_logger(__name__)

strawberry.enum(RefusalCode)


@contextmanager
def within(*path: str) -> Iterator[None]:
    """Prefix the field of every error and refusal raised inside with this argument path."""
    try:
        yield
    except RequestError as error:
        error.field = (*path, *error.field)
        raise
    except Denied as denied:
        denied.refusal = prefixed(denied.refusal, *path)
        raise


def prefixed(refusal: DomainRefusal, *path: str) -> DomainRefusal:
    """The refusal with this path in front of its field; unchanged if it has no field."""
    if refusal.field is None:
        return refusal
    return replace(refusal, field=(*path, *refusal.field))


def expose(error: GraphQLError, context: Context | None) -> None:
    """Rewrite an error in place so that it may leave the process. Idempotent."""
    original = error.original_error
    if isinstance(original, GraphQLError):
        original = original.original_error or original
    if isinstance(original, _EXPOSED):
        error.extensions = _extensions(original)
        error.message = _message(original)
    elif isinstance(original, StorageUnavailable | BrokenOff):
        _report(error, context)
        error.message = str(original)
    elif not isinstance(original, OrderdeckError) and bad_values.is_of_the_request(error):
        bad_values.explain(error)
    else:
        _report(error, context)
        error.message = "something went wrong inside; the operator finds it by the request id"


def audit_result(error: Exception) -> AuditResult:
    """The audit result of an attempt that ended with an error."""
    if isinstance(error, Denied):
        return refused(error.refusal)
    is_refused = isinstance(error, (RequestError, AccessError, RateLimited))
    code = error.code if isinstance(error, _EXPOSED) else _FAULT
    return AuditResult(
        outcome=AuditOutcome.REFUSED if is_refused else AuditOutcome.FAILED, code=code
    )


_EXPOSED = (RequestError, AccessError, RateLimited, Denied, ExchangeError)


def _message(error: OrderdeckError) -> str:
    if isinstance(error, Denied):
        return error.refusal.message
    if isinstance(error, ExchangeError):
        return "the exchange cannot be reached"
    return str(error)


def _extensions(error: OrderdeckError) -> dict[str, Any]:
    extensions: dict[str, Any] = {"code": error.code}
    if isinstance(error, Denied):
        extensions["reason"] = str(error.refusal.code)
        extensions["field"] = list(error.refusal.field or ())
    elif isinstance(error, RateLimited):
        extensions["retryAfterSeconds"] = error.retry_after_seconds
    elif isinstance(error, TooComplex):
        extensions |= {"limit": error.limit, "actual": error.found, "most": error.most}
    elif isinstance(error, RequestError):
        if error.reason is not None:
            extensions["reason"] = str(error.reason)
        extensions["field"] = list(error.field)
    return extensions


def _report(error: GraphQLError, context: Context | None) -> None:
    """Log an internal error under the request id, which is all that the client gets to know."""
    request_id = "none" if context is None else context.request_id
    if context is not None:
        context.services.metrics.failed()
    _logger.error(
        "request.failed",
        request_id=request_id,
        path=error.path,
        exc_info=error.original_error or error,
    )
    error.extensions = {"code": _FAULT, "requestId": request_id}
