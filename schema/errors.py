"""Where our errors become the outside's: refusals as data, the rest with a code and no insides."""

import re
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Annotated, Any, ParamSpec, TypeVar

import strawberry
import structlog
from graphql import (
    GraphQLError,
    GraphQLSyntaxError,
    Node,
    ObjectFieldNode,
    Token,
    TokenKind,
    ValueNode,
    VariableNode,
)

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
    """Rewrite an error in place to what may leave the process; twice is as good as once."""
    original = error.original_error
    if isinstance(original, GraphQLError):
        original = original.original_error or original
    if isinstance(original, OrderdeckError):
        error.extensions = _extensions(original)
        if isinstance(original, _OPEN):
            error.message = _message(original)
            return
    elif _is_of_the_request(error):
        _explain(error)
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


def _is_of_the_request(error: GraphQLError) -> bool:
    """Whether the document or its variables were refused, not what a resolver did or gave back."""
    if error.path is not None:
        return error.message.startswith("Argument ") or "code" in (error.extensions or {})
    return isinstance(error.original_error, GraphQLError | None) or _is_of_a_literal(error)


def _explain(error: GraphQLError) -> None:
    known = error.extensions or {}
    error.message = _without_values(error.message)
    error.extensions = {"code": _request_code(error), **known}
    if _is_of_a_literal(error) and "field" not in known:
        field = _place(_located(error.nodes[0])) if error.nodes else []
        error.message = ": ".join(part for part in (".".join(field), error.message) if part)
        error.extensions["field"] = field


def _request_code(error: GraphQLError) -> str:
    if isinstance(error, GraphQLSyntaxError):
        return "GRAPHQL_PARSE_FAILED"
    is_of_variables = _OF_VARIABLES.match(error.message) is not None
    is_of_execution = error.path is not None
    if is_of_variables or is_of_execution or _is_of_a_literal(error):
        return "BAD_USER_INPUT"
    return "GRAPHQL_VALIDATION_FAILED"


def _is_of_a_literal(error: GraphQLError) -> bool:
    node = error.nodes[0] if error.nodes and error.path is None else None
    return isinstance(node, ValueNode | ObjectFieldNode) and not isinstance(node, VariableNode)


_OF_VARIABLES = re.compile(r"Variable '\$\w+' has invalid|Variable values|Too many errors proc")

# How graphql-core quotes values and guesses what was meant, and what is left of it.
_QUOTES = (
    (re.compile(r" Did you mean .*", re.DOTALL), ""),
    (re.compile(r"(cannot represent [^:]*value): .*", re.DOTALL), r"\1"),
    (re.compile(r"Value '.*' does not exist in '(\w+)' enum", re.DOTALL), r"No such value in '\1'"),
    (re.compile(r"(unknown field '\w{1,64}')(?:\.$|, found: .*)", re.DOTALL | re.ASCII), r"\1"),
    (re.compile(r"(unknown field) '(?!\w{1,64}'$).*", re.DOTALL | re.ASCII), r"\1"),
    (re.compile(r",? (but encountered error '|found: ).*", re.DOTALL), ""),
    (re.compile(r"((?:found|Unexpected) (?:Int|Float|String|BlockString)) '.*", re.DOTALL), r"\1"),
    (re.compile(r"not to be None"), "not to be null"),
)


def _without_values(message: str) -> str:
    for quote, rest in _QUOTES:
        message = quote.sub(rest, message)
    return message


def _located(node: Node) -> Node:
    """Of a list or object that graphql-core copied without its place: a part that has one."""
    if isinstance(node, ObjectFieldNode):
        parts: Sequence[Node] = (node.value,)
    else:
        parts = getattr(node, "values", None) or getattr(node, "fields", None) or ()
    return node if node.loc or not parts else _located(parts[0])


def _place(node: Node) -> list[str]:
    """The way from the argument, or the variable, to a literal: its names, outermost first."""
    names: list[str] = []
    is_value = isinstance(node, ValueNode)
    for token in _enclosing(node):
        if token.kind is TokenKind.EQUALS:
            return [_declared(token), *names]
        if token.kind is not TokenKind.COLON:
            is_value = True
        elif is_value and token.prev is not None:
            names.insert(0, token.prev.value or "")
            is_value = False
    return names


def _enclosing(node: Node) -> Iterator[Token]:
    """Colons, equal signs and openings before a node, without what is closed before it."""
    depth = 0
    token = node.loc.start_token.prev if node.loc else None
    while token is not None and (depth or token.kind is not TokenKind.PAREN_L):
        if token.kind in _CLOSING:
            depth += 1
        elif depth:
            depth -= token.kind in _OPENING
        elif token.kind in _MARKS:
            yield token
        token = token.prev


_OPENING = {TokenKind.BRACE_L, TokenKind.BRACKET_L}
_CLOSING = {TokenKind.BRACE_R, TokenKind.BRACKET_R}
_MARKS = {TokenKind.COLON, TokenKind.EQUALS, *_OPENING}


def _declared(equals: Token) -> str:
    token = equals
    while token.kind is not TokenKind.DOLLAR and token.prev is not None:
        token = token.prev
    return f"${token.next.value}" if token.next else "$"


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
