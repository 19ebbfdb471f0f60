"""What every type, field, argument and value of the contract means, for whoever reads the schema.

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
    """What graphql-core keeps a description of."""

    description: str | None


def describe(schema: strawberry.Schema, texts: Mapping[str, str] = TEXTS) -> None:
    """Write the texts onto the schema; none may be missing and none left over."""
    unused = set(texts)
    missing = []
    for key, general, element in elements(schema):
        found = next((one for one in (key, general) if one in texts), None)
        if found is None:
            missing.append(key)
        else:
            element.description = texts[found]
            unused.discard(found)
    if missing or unused:
        raise LookupError(
            f"descriptions are missing for {sorted(missing)} and fit nothing for {sorted(unused)}"
        )


def elements(schema: strawberry.Schema) -> Iterator[tuple[str, str, Element]]:
    """All that has a description: its own key, the general one, and the element."""
    for name, entry in schema.schema_converter.type_map.items():
        kind = get_named_type(entry.implementation)
        if not is_specified_scalar_type(kind) and not is_introspection_type(kind):
            yield name, name, kind
            yield from _parts(kind)


def _parts(kind: GraphQLNamedType) -> Iterator[tuple[str, str, Element]]:
    parts = getattr(kind, "fields", None) or getattr(kind, "values", {})
    for name, part in parts.items():
        yield f"{kind.name}.{name}", f"*.{name}", part
        for argument_name, argument in getattr(part, "args", {}).items():
            yield f"{kind.name}.{name}({argument_name})", f"*({argument_name})", argument
