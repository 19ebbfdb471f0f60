"""Where our errors become the outside's: refusals as data, the rest with a code and no insides."""

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Annotated, Any, ParamSpec, TypeVar

import strawberry
import structlog
from graphql import GraphQLError, GraphQLSyntaxError

from app.domain import orders as domain_orders
from app.errors import (
    AccessError,
    Denied,
    ExchangeError,
    OrderdeckError,
    RefusalCode,
    RequestError,
    StorageUnavailable,
)
from app.errors import Refusal as DomainRefusal
from schema.context import Context

if TYPE_CHECKING:
    from schema.orders import Order

P = ParamSpec("P")
T = TypeVar("T")

_logger = structlog.get_logger(__name__)

strawberry.enum(RefusalCode)


@strawberry.type
class Refusal:
    code: RefusalCode
    message: str
    field: list[str] | None
    retryable: bool
    order: strawberry.Private[domain_orders.Order | None]

    @classmethod
    def of(
        cls,
        refusal: DomainRefusal,
        order: domain_orders.Order | None = None,
        *,
        prefix: Sequence[str] = (),
    ) -> "Refusal":
        path = None if refusal.field is None else [*prefix, *refusal.field]
        return cls(
            code=refusal.code,
            message=refusal.message,
            field=path,
            retryable=refusal.retryable,
            order=order,
        )

    @classmethod
    def of_denied(cls, denied: Denied, *, prefix: Sequence[str] = ()) -> "Refusal":
        order = denied.existing_order
        known = order if isinstance(order, domain_orders.Order) else None
        return cls.of(denied.refusal, known, prefix=prefix)

    @strawberry.field
    def existing_order(
        self,
    ) -> Annotated["Order", strawberry.lazy("schema.orders")] | None:
        from schema.orders import Order  # noqa: PLC0415  orders have refusals

        return None if self.order is None else Order.of(self.order)


def refusable(act: Callable[P, Awaitable[T]], *prefix: str) -> Callable[P, Awaitable[T | Refusal]]:
    """Let what is denied be an answer, its field told from the root of the arguments."""

    async def answer(*args: P.args, **kwargs: P.kwargs) -> T | Refusal:
        try:
            return await act(*args, **kwargs)
        except Denied as denied:
            return Refusal.of_denied(denied, prefix=prefix)

    return answer


def expose(error: GraphQLError, context: Context | None) -> None:
    """Rewrite an error in place to what may leave the process."""
    original = error.original_error
    if isinstance(original, GraphQLError):
        original = original.original_error or original
    if isinstance(original, OrderdeckError):
        error.extensions = _extensions(original)
        if isinstance(original, _OPEN):
            error.message = _message(original)
            return
    elif _is_of_the_request(error, original):
        error.extensions = {"code": _request_code(error), **(error.extensions or {})}
        return
    _hide(error, context)


_OPEN = (RequestError, AccessError, Denied, ExchangeError, StorageUnavailable)


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
    elif isinstance(error, RequestError):
        if error.reason is not None:
            extensions["reason"] = str(error.reason)
        extensions["field"] = list(error.field)
    return extensions


def _is_of_the_request(error: GraphQLError, original: Exception | None) -> bool:
    """Whether the executor itself refused the document or its variables."""
    return original is None or isinstance(original, GraphQLError)


def _request_code(error: GraphQLError) -> str:
    if isinstance(error, GraphQLSyntaxError):
        return "GRAPHQL_PARSE_FAILED"
    is_of_variables = error.message.startswith("Variable ") and " value" in error.message
    is_of_execution = error.path is not None
    return "BAD_USER_INPUT" if is_of_variables or is_of_execution else "GRAPHQL_VALIDATION_FAILED"


def _hide(error: GraphQLError, context: Context | None) -> None:
    request_id = "none" if context is None else context.request_id
    _logger.error(
        "request.failed",
        request_id=request_id,
        path=error.path,
        exc_info=error.original_error or error,
    )
    error.message = "something went wrong inside; the operator finds it by the request id"
    error.extensions = {"code": "INTERNAL_SERVER_ERROR", "requestId": request_id}
