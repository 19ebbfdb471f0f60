"""Rewrites graphql-core's errors about documents and inputs to name the field, never the value."""

import re
from collections.abc import Iterator, Mapping, Sequence

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
from strawberry.exceptions import MissingQueryError
from strawberry.schema.exceptions import CannotGetOperationTypeError, InvalidOperationTypeError

PARSE_FAILED = "GRAPHQL_PARSE_FAILED"
VALIDATION_FAILED = "GRAPHQL_VALIDATION_FAILED"
BAD_USER_INPUT = "BAD_USER_INPUT"


def is_of_the_request(error: GraphQLError) -> bool:
    """Whether the document or its variables are at fault, rather than a resolver or its result."""
    if error.path is not None:
        return error.message.startswith("Argument ") or "code" in (error.extensions or {})
    is_of_graphql = isinstance(error.original_error, GraphQLError | None)
    return is_of_graphql or _is_about_a_literal(error) or is_unresolved(error.original_error)


def is_unresolved(error: Exception | None) -> bool:
    """Whether Strawberry found no operation to execute."""
    return type(error) in _UNRESOLVED


def explain(error: GraphQLError) -> None:
    if (unresolved := _UNRESOLVED.get(type(error.original_error))) is not None:
        code, error.message = unresolved
        error.extensions = {"code": code}
        return
    known = error.extensions or {}
    error.message = _without_values(error.message)
    error.extensions = {"code": _request_code(error), **known}
    if _is_about_a_literal(error) and "field" not in known:
        field = _path(_located(error.nodes[0])) if error.nodes else []
        error.message = ": ".join(part for part in (".".join(field), error.message) if part)
        error.extensions["field"] = field


def _request_code(error: GraphQLError) -> str:
    if isinstance(error, GraphQLSyntaxError):
        return PARSE_FAILED
    is_of_variables = _OF_VARIABLES.match(error.message) is not None
    is_of_execution = error.path is not None
    if is_of_variables or is_of_execution or _is_about_a_literal(error):
        return BAD_USER_INPUT
    return VALIDATION_FAILED


def _is_about_a_literal(error: GraphQLError) -> bool:
    node = error.nodes[0] if error.nodes and error.path is None else None
    return isinstance(node, ValueNode | ObjectFieldNode) and not isinstance(node, VariableNode)


_UNRESOLVED: Mapping[type, tuple[str, str]] = {
    MissingQueryError: (PARSE_FAILED, "Syntax Error: there is no document in query"),
    CannotGetOperationTypeError: (
        VALIDATION_FAILED,
        "operationName names no operation of the document",
    ),
    InvalidOperationTypeError: (
        BAD_USER_INPUT,
        "GET takes queries, POST mutations too, and subscriptions need a WebSocket",
    ),
}

_OF_VARIABLES = re.compile(r"Variable '\$\w+' has invalid|Variable values|Too many errors proc")

NO_SUCH_VALUE = re.compile(r"No such value in '(\w+)'(?!:)")

# Where graphql-core quotes values or suggests names, and what is left of the message.
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


# What is longer quotes a value: its beginning says what is wrong, its end what was expected.
_MAX_MESSAGE = 2000


def _without_values(message: str) -> str:
    if len(message) > _MAX_MESSAGE:
        half = _MAX_MESSAGE // 2
        message = message[:half] + message[-half:]
    for quote, rest in _QUOTES:
        message = quote.sub(rest, message)
    return message


def _located(node: Node) -> Node:
    """The node itself, or for a list or object copied without its location: a part that has one."""
    if isinstance(node, ObjectFieldNode):
        parts: Sequence[Node] = (node.value,)
    else:
        parts = getattr(node, "values", None) or getattr(node, "fields", None) or ()
    return node if node.loc or not parts else _located(parts[0])


def _path(node: Node) -> list[str]:
    """The names from the argument, or the variable, down to a literal, outermost first."""
    names: list[str] = []
    is_value = isinstance(node, ValueNode)
    for token in _enclosing(node):
        if token.kind is TokenKind.EQUALS:
            return [_declared_variable(token), *names]
        if token.kind is not TokenKind.COLON:
            is_value = True
        elif is_value and token.prev is not None:
            names.insert(0, token.prev.value or "")
            is_value = False
    return names


def _enclosing(node: Node) -> Iterator[Token]:
    """The colons, equal signs and opening brackets before a node, skipping what is closed again."""
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


def _declared_variable(equals: Token) -> str:
    token = equals
    while token.kind is not TokenKind.DOLLAR and token.prev is not None:
        token = token.prev
    return f"${token.next.value}" if token.next else "$"
