"""Generates GraphQL documents from the committed schema, with every field and argument."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from graphql import (
    GraphQLArgument,
    GraphQLField,
    GraphQLInputField,
    GraphQLInputType,
    GraphQLNamedType,
    GraphQLObjectType,
    build_schema,
    get_named_type,
    get_nullable_type,
    is_abstract_type,
    is_composite_type,
    is_enum_type,
    is_input_object_type,
    is_interface_type,
    is_list_type,
    is_non_null_type,
    is_required_argument,
    is_required_input_field,
    print_ast,
)

import schema

SDL = build_schema(Path(schema.__file__).with_name("schema.graphql").read_text())
ROOTS = {"query": "Query", "mutation": "Mutation", "subscription": "Subscription"}
ID_OF_NOTHING = "ord_01M7YQZSSRYNK1V0VAAQ8M6GHS"
LEAST: Mapping[str, Any] = {
    "ID": ID_OF_NOTHING,
    "String": "",
    "Int": 0,
    "Boolean": False,
    "Decimal": "0",
    "JSON": {},
    "DateTime": "2026-01-05T12:00:00Z",
}
LEAST_BY_NAME: Mapping[str, Any] = {"symbol": "BTC/USDT", "symbols": ["BTC/USDT"]}


def root_fields(operation: str) -> dict[str, GraphQLField]:
    kind = SDL.type_map[ROOTS[operation]]
    assert isinstance(kind, GraphQLObjectType)
    return dict(kind.fields)


def every_root_field() -> list[tuple[str, str]]:
    return [(operation, name) for operation in ROOTS for name in root_fields(operation)]


def least_given(operation: str, name: str) -> dict[str, Any]:
    """The required arguments of a root field, with minimal values."""
    arguments = root_fields(operation)[name].args
    return {key: least(key, it) for key, it in arguments.items() if is_required_argument(it)}


def least(name: str, given: GraphQLArgument | GraphQLInputField) -> Any:
    return LEAST_BY_NAME.get(name) or least_of(given.type)


def least_of(given: GraphQLInputType) -> Any:
    kind = get_nullable_type(given)
    if is_list_type(kind):
        return [least_of(kind.of_type)]
    if is_enum_type(kind):
        return next(iter(kind.values))
    if is_input_object_type(kind):
        fields = kind.fields.items()
        return {key: least(key, it) for key, it in fields if is_required_input_field(it)}
    return LEAST[get_named_type(kind).name]


def naming_account(
    operation: str, name: str, given: Mapping[str, Any], account: str
) -> dict[str, Any] | None:
    """The same arguments for a named account, or None if the field takes no account."""
    for key, argument in root_fields(operation)[name].args.items():
        if key == "account":
            return {**given, key: account}
        kind = get_named_type(argument.type)
        if is_input_object_type(kind) and "account" in kind.fields:
            several = is_list_type(get_nullable_type(argument.type))
            [value] = given[key] if several else [given.get(key, {})]
            named = {**value, "account": account}
            return {**given, key: [named] if several else named}
    return None


def calling(operation: str, name: str, *, depth: int = 3, beside: str = "") -> str:
    """A document that calls a root field, with all its arguments as variables."""
    field = root_fields(operation)[name]
    declared = ", ".join(declaration(key, argument) for key, argument in field.args.items())
    given = ", ".join(f"{key}: ${key}" for key in field.args)
    heading = f"{operation}({declared})" if declared else operation
    call = f"{beside} {name}({given})" if given else f"{beside} {name}"
    return f"{heading} {{ {call} {everything_of(get_named_type(field.type), depth)} }}"


def declaration(name: str, argument: GraphQLArgument) -> str:
    """The declaration of a variable, with the argument's default if null is not allowed."""
    written = argument.ast_node
    if not is_non_null_type(argument.type) or written is None or written.default_value is None:
        return f"${name}: {argument.type}"
    return f"${name}: {argument.type} = {print_ast(written.default_value)}"


def everything(name: str, *, depth: int = 1) -> str:
    """A selection of all fields of a type, and of the types below it to this depth."""
    return everything_of(SDL.type_map[name], depth)


def everything_of(kind: GraphQLNamedType, depth: int) -> str:
    if is_abstract_type(kind):
        members = SDL.get_possible_types(kind)
        # Fields of the same name may differ in type, except in unions: aliases keep them apart.
        prefix = "{}_{}: {}" if is_interface_type(kind) else None
        parts = [f"... on {it.name} {fields_of(it, depth, prefix)}" for it in members]
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
