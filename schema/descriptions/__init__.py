"""Descriptions of every type, field, argument and enum value in the SDL, and how they get there.

A key is a type ("Order"), a field or a value ("Order.amount", "OrderStatus.OPEN") or an argument
("Query.orders(first)"); "*" stands for any type and, before arguments, for any field.
"""

from collections.abc import Iterator, Mapping
from typing import Protocol

import strawberry
from graphql import (
    GraphQLNamedType,
    get_named_type,
    is_introspection_type,
    is_specified_scalar_type,
)

from schema.descriptions import (
    accounts,
    audit,
    bots,
    commons,
    markets,
    order_inputs,
    orders,
    portfolios,
    positions,
    prices,
    roots,
    rules,
    strategies,
)

TEXTS = {
    **commons.TEXTS,
    **roots.TEXTS,
    **orders.TEXTS,
    **order_inputs.TEXTS,
    **accounts.TEXTS,
    **audit.TEXTS,
    **markets.TEXTS,
    **positions.TEXTS,
    **portfolios.TEXTS,
    **prices.TEXTS,
    **rules.TEXTS,
    **bots.TEXTS,
    **strategies.TEXTS,
}


class Element(Protocol):
    """Anything in a graphql-core schema that has a description."""

    description: str | None


def describe(schema: strawberry.Schema, texts: Mapping[str, str] = TEXTS) -> None:
    """Set the descriptions of a schema. Raises LookupError if one is missing or unused."""
    unused = set(texts)
    missing = []
    for key, general, element in elements(schema):
        used = next((name for name in (key, general) if name in texts), None)
        if used is None:
            missing.append(key)
        else:
            element.description = texts[used]
            unused.discard(used)
    if missing or unused:
        raise LookupError(
            f"descriptions are missing for {sorted(missing)} and fit nothing for {sorted(unused)}"
        )


def elements(schema: strawberry.Schema) -> Iterator[tuple[str, str, Element]]:
    """Every element that needs a description, with its own key and the general key."""
    for name, entry in schema.schema_converter.type_map.items():
        kind = get_named_type(entry.implementation)
        if not is_specified_scalar_type(kind) and not is_introspection_type(kind):
            yield name, name, kind
            yield from _members(kind)


def _members(kind: GraphQLNamedType) -> Iterator[tuple[str, str, Element]]:
    parts = getattr(kind, "fields", None) or getattr(kind, "values", {})
    for name, part in parts.items():
        yield f"{kind.name}.{name}", f"*.{name}", part
        for argument_name, argument in getattr(part, "args", {}).items():
            yield f"{kind.name}.{name}({argument_name})", f"*({argument_name})", argument
