"""Documents made from the committed schema: whatever it offers is asked for."""

from pathlib import Path

from graphql import (
    GraphQLField,
    GraphQLNamedType,
    GraphQLObjectType,
    build_schema,
    get_named_type,
    is_abstract_type,
    is_composite_type,
    is_interface_type,
)

import schema

SDL = build_schema(Path(schema.__file__).with_name("schema.graphql").read_text())
ROOTS = {"query": "Query", "mutation": "Mutation", "subscription": "Subscription"}


def root_fields(operation: str) -> dict[str, GraphQLField]:
    kind = SDL.type_map[ROOTS[operation]]
    assert isinstance(kind, GraphQLObjectType)
    return dict(kind.fields)


def every_root_field() -> list[tuple[str, str]]:
    return [(operation, name) for operation in ROOTS for name in root_fields(operation)]


def calling(operation: str, name: str, *, depth: int = 3) -> str:
    """A document that calls a root field, with all its arguments as variables."""
    field = root_fields(operation)[name]
    declared = ", ".join(f"${key}: {argument.type}" for key, argument in field.args.items())
    given = ", ".join(f"{key}: ${key}" for key in field.args)
    heading = f"{operation}({declared}) {{ {name}({given})" if given else f"{operation} {{ {name}"
    return f"{heading} {everything_of(get_named_type(field.type), depth)} }}"


def everything(name: str, *, depth: int = 1) -> str:
    """All fields of a type, and of what stands below it, so deep."""
    return everything_of(SDL.type_map[name], depth)


def everything_of(kind: GraphQLNamedType, depth: int) -> str:
    if is_abstract_type(kind):
        members = SDL.get_possible_types(kind)
        # Fields of one name may differ in type, save in unions, whose members are made to agree.
        prefix = "{}_{}: {}" if is_interface_type(kind) else None
        parts = [f"... on {one.name} {fields_of(one, depth, prefix)}" for one in members]
        return f"{{ __typename {' '.join(parts)} }}"
    assert isinstance(kind, GraphQLObjectType)
    return fields_of(kind, depth)


def fields_of(kind: GraphQLObjectType, depth: int, prefix: str | None = None) -> str:
    chosen = ["__typename"]
    for name, field in kind.fields.items():
        below = get_named_type(field.type)
        label = prefix.format(kind.name, name, name) if prefix else name
        if not is_composite_type(below):
            chosen.append(label)
        elif depth:
            chosen.append(f"{label} {everything_of(below, depth - 1)}")
    return f"{{ {' '.join(chosen)} }}"
