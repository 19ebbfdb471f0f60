"""Custom scalars (Decimal, DateTime, Cursor, JSON): strict on input, canonical on output."""

import math
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, NewType, cast

import strawberry
from graphql import (
    FloatValueNode,
    GraphQLError,
    IntValueNode,
    ListValueNode,
    NullValueNode,
    ObjectValueNode,
    StringValueNode,
    ValueNode,
    VariableNode,
)
from strawberry.types.scalar import ScalarDefinition

from app.domain import money

Cursor = NewType("Cursor", str)
JSON = NewType("JSON", object)

_DECIMAL = re.compile(r"-?[0-9]+(\.[0-9]+)?", re.ASCII)
_DATE_TIME = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,9})?)?"
    r"([Zz]|[+-][0-9]{2}:[0-9]{2})?",
    re.ASCII,
)
_MAX_TEXT = 100
MAX_INTEGER_DIGITS = 1000
_MILLISECOND = timedelta(milliseconds=1)


def _bad(message: str) -> GraphQLError:
    return GraphQLError(message, extensions={"code": "BAD_USER_INPUT"})


def _parse_decimal(value: object) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise _bad('Decimal takes a string such as "0.1" or an integer; a float is not exact')
    if isinstance(value, int):
        if abs(value) >= 10**money.MAX_DIGITS:
            raise _bad(f"Decimal has {money.MAX_DIGITS} digits at most")
        return Decimal(value)
    if len(value) > _MAX_TEXT or not _DECIMAL.fullmatch(value):
        raise _bad('Decimal takes an optional minus, digits and one point, such as "-12.5"')
    whole, _, places = value.lstrip("-").partition(".")
    if len(places) > money.MAX_PLACES:
        raise _bad(f"Decimal has {money.MAX_PLACES} digits after the point at most")
    if len(whole.lstrip("0")) + len(places) > money.MAX_DIGITS:
        raise _bad(f"Decimal has {money.MAX_DIGITS} digits at most")
    return Decimal(value)


def _parse_date_time(value: object) -> datetime:
    """Round up to milliseconds: stored times have no finer ones, so comparisons stay exact."""
    found = _DATE_TIME.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise _bad('DateTime takes ISO 8601 with an offset, such as "2026-01-31T12:00:00Z"')
    if found[3] is None:
        raise _bad("DateTime needs Z or an offset: a local time could mean any")
    try:
        moment = datetime.fromisoformat(found[0].upper()).astimezone(UTC)
        rest = timedelta(microseconds=moment.microsecond % 1000)
        return moment + (_MILLISECOND - rest) if rest else moment
    except (ValueError, OverflowError):
        raise _bad("DateTime has no such moment") from None


def _print_date_time(value: datetime) -> str:
    return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _parse_cursor(value: object) -> Cursor:
    if not isinstance(value, str):
        raise _bad("Cursor takes a string that this API has given out")
    return Cursor(value)


def _unchanged(value: Any) -> Any:
    return value


def _literal(parse: Callable[[object], object]) -> Callable[..., object]:
    """Parse literals by the same rules as variables, with errors that point into the document."""

    def parse_literal(node: ValueNode, _variables: object = None) -> object:
        try:
            return parse(_literal_value(node))
        except GraphQLError as error:
            raise GraphQLError(error.message, node, extensions=error.extensions) from None

    return parse_literal


def _literal_value(node: ValueNode) -> object:
    if isinstance(node, StringValueNode):
        return node.value
    if isinstance(node, IntValueNode):
        # Python refuses to read more than a few thousand digits.
        return int(node.value[:_MAX_TEXT])
    return None


def _read_integer(digits: str) -> int | float:
    """An integer, or infinity if it is too long to be read, which every field refuses."""
    return int(digits) if len(digits) <= MAX_INTEGER_DIGITS else math.inf


def _read_json(node: ValueNode, variables: Mapping[str, object] | None = None) -> object:
    match node:
        case ObjectValueNode():
            return {field.name.value: _read_json(field.value, variables) for field in node.fields}
        case ListValueNode():
            return [_read_json(value, variables) for value in node.values]
        case VariableNode():
            return (variables or {}).get(node.name.value)
        case IntValueNode():
            return _read_integer(node.value)
        case FloatValueNode():
            return float(node.value)
        case NullValueNode():
            return None
        case _:
            return cast("object", getattr(node, "value", None))


def _strict(
    name: str, serialize: Callable[[Any], str], parse: Callable[[object], object]
) -> ScalarDefinition:
    return strawberry.scalar(
        name=name, serialize=serialize, parse_value=parse, parse_literal=_literal(parse)
    )


SCALARS: Mapping[object, ScalarDefinition] = {
    Decimal: _strict("Decimal", money.plain, _parse_decimal),
    datetime: _strict("DateTime", _print_date_time, _parse_date_time),
    Cursor: _strict("Cursor", str, _parse_cursor),
    JSON: strawberry.scalar(
        name="JSON", serialize=_unchanged, parse_value=_unchanged, parse_literal=_read_json
    ),
}
