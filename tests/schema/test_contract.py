from collections.abc import Iterator
from pathlib import Path

import pytest
from graphql import (
    DefinitionNode,
    EnumTypeDefinitionNode,
    FieldDefinitionNode,
    GraphQLArgument,
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLUnionType,
    UnionTypeDefinitionNode,
    build_client_schema,
    build_schema,
    get_named_type,
    introspection_from_schema,
    is_composite_type,
    is_introspection_type,
    is_required_argument,
    is_required_input_field,
    is_specified_scalar_type,
    parse,
    print_ast,
    validate,
)

import schema
from schema.build import build_schema as build_ours
from schema.build import print_sdl
from schema.descriptions import TEXTS, describe

CONTRACT = Path(__file__).with_name("contract.graphql")
COMMITTED = Path(schema.__file__).with_name("schema.graphql")


@pytest.fixture(scope="module")
def contract() -> GraphQLSchema:
    return build_schema(CONTRACT.read_text())


@pytest.fixture(scope="module")
def sdl() -> str:
    return print_sdl(build_ours())


@pytest.fixture(scope="module")
def ours(sdl: str) -> GraphQLSchema:
    return build_schema(sdl)


def compared(wanted: GraphQLSchema, found: GraphQLSchema) -> tuple[set[str], set[str]]:
    """What is absent as a whole, and what is there but not as it should be."""
    absent: set[str] = set()
    deviations: set[str] = set()
    for name, kind in own_types(wanted):
        match = found.type_map.get(name)
        if match is None:
            absent.add(name)
        elif type(match) is not type(kind):
            deviations.add(f"{name} is another kind of type")
        else:
            absent |= {f"{name}.{field}" for field in fields(kind) if field not in fields(match)}
            deviations |= set(type_deviations(kind, match))
    return absent, deviations


def own_types(of: GraphQLSchema) -> list[tuple[str, GraphQLNamedType]]:
    return [
        (name, kind)
        for name, kind in of.type_map.items()
        if not is_introspection_type(kind) and not is_specified_scalar_type(kind)
    ]


def fields(of: GraphQLNamedType) -> dict[str, GraphQLField | GraphQLInputField]:
    if isinstance(of, GraphQLObjectType | GraphQLInterfaceType | GraphQLInputObjectType):
        return dict(of.fields)
    return {}


def type_deviations(wanted: GraphQLNamedType, found: GraphQLNamedType) -> Iterator[str]:
    for word, names in {
        "value": set(members(wanted)) - set(members(found)),
        "interface": set(interfaces(wanted)) - set(interfaces(found)),
    }.items():
        yield from (f"{wanted.name} lacks the {word} {name}" for name in names)
    for name, field in fields(found).items():
        match = fields(wanted).get(name)
        if match is not None:
            yield from field_deviations(f"{wanted.name}.{name}", match, field)
        elif isinstance(field, GraphQLInputField) and is_required_input_field(field):
            yield f"{wanted.name}.{name} is new and required"


def members(of: GraphQLNamedType) -> list[str]:
    if isinstance(of, GraphQLUnionType):
        return [member.name for member in of.types]
    return list(of.values) if isinstance(of, GraphQLEnumType) else []


def interfaces(of: GraphQLNamedType) -> list[str]:
    return [one.name for one in of.interfaces] if isinstance(of, GraphQLObjectType) else []


def field_deviations(
    name: str, wanted: GraphQLField | GraphQLInputField, found: GraphQLField | GraphQLInputField
) -> Iterator[str]:
    if str(wanted.type) != str(found.type):
        yield f"{name} is {found.type} and not {wanted.type}"
    if isinstance(wanted, GraphQLInputField) and isinstance(found, GraphQLInputField):
        yield from default_deviations(name, wanted, found)
    if isinstance(wanted, GraphQLField) and isinstance(found, GraphQLField):
        for argument in {**wanted.args, **found.args}:
            label = f"{name}({argument})"
            yield from argument_deviations(
                label, wanted.args.get(argument), found.args.get(argument)
            )


def argument_deviations(
    name: str, wanted: GraphQLArgument | None, found: GraphQLArgument | None
) -> Iterator[str]:
    if found is None:
        yield f"{name} is missing"
    elif wanted is None:
        if is_required_argument(found):
            yield f"{name} is new and required"
    else:
        if str(wanted.type) != str(found.type):
            yield f"{name} is {found.type} and not {wanted.type}"
        yield from default_deviations(name, wanted, found)


def default_deviations(
    name: str,
    wanted: GraphQLArgument | GraphQLInputField,
    found: GraphQLArgument | GraphQLInputField,
) -> Iterator[str]:
    if default(wanted) != default(found):
        yield f"{name} has the default {default(found)} and not {default(wanted)}"


def default(of: GraphQLArgument | GraphQLInputField) -> str | None:
    node = of.ast_node and of.ast_node.default_value
    printed = print_ast(node) if node else "null"
    return None if printed == "null" else printed


def test_nothing_that_is_there_deviates_from_the_contract(
    contract: GraphQLSchema, ours: GraphQLSchema
) -> None:
    _, deviations = compared(contract, ours)
    assert deviations == set()


def test_everything_in_the_contract_is_there(contract: GraphQLSchema, ours: GraphQLSchema) -> None:
    absent, _ = compared(contract, ours)
    assert absent == set()


WANTED = """
    interface Node { id: ID! }
    union Result = Thing | No
    type No { why: String }
    enum Word { YES NO }
    type Thing implements Node { id: ID!, word: Word!, list(first: Int = 5, word: Word): [Thing!] }
    input Filter { word: Word = YES, names: [String!] }
    type Query { things(filter: Filter): Result }
"""


@pytest.mark.parametrize(
    ("before", "after", "deviation"),
    [
        ("word: Word!, list", "word: Word, list", "Thing.word is Word and not Word!"),
        ("first: Int = 5", "first: Int = 6", "Thing.list(first) has the default 6 and not 5"),
        ("first: Int = 5", "first: Int", "Thing.list(first) has the default None and not 5"),
        (", word: Word)", ", word: Word = NO)", "Thing.list(word) has the default NO and not None"),
        ("first: Int = 5, ", "", "Thing.list(first) is missing"),
        (", word: Word)", ", word: Word, new: Int!)", "Thing.list(new) is new and required"),
        (", word: Word)", ", word: [Word])", "Thing.list(word) is [Word] and not Word"),
        ("word: Word = YES", "word: Word = NO", "Filter.word has the default NO and not YES"),
        ("names: [String!]", "names: [String]", "Filter.names is [String] and not [String!]"),
        ("input Filter {", "input Filter { new: Int!, ", "Filter.new is new and required"),
        ("YES NO", "YES", "Word lacks the value NO"),
        ("Thing | No", "Thing", "Result lacks the value No"),
        ("Thing implements Node", "Thing", "Thing lacks the interface Node"),
        ("union Result = Thing | No", "scalar Result", "Result is another kind of type"),
    ],
)
def test_a_deviation_is_seen(before: str, after: str, deviation: str) -> None:
    assert before in WANTED
    changed = build_schema(WANTED.replace(before, after, 1))
    assert compared(build_schema(WANTED), changed) == (set(), {deviation})


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (", word: Word)", ", word: Word = null, new: Int)"),
        ("input Filter {", "input Filter { new: Int, other: Int! = 1, "),
        ("YES NO", "YES MAYBE NO"),
        ("id: ID!, word", "id: ID!, new(a: Int!): Int, word"),
    ],
)
def test_additions_are_welcome(before: str, after: str) -> None:
    changed = build_schema(WANTED.replace(before, after, 1))
    assert compared(build_schema(WANTED), changed) == (set(), set())


def test_a_field_or_type_that_is_gone_is_absent() -> None:
    changed = build_schema(WANTED.replace("names: [String!]", "").replace("Thing | No", "Thing"))
    del changed.type_map["No"]
    absent, _ = compared(build_schema(WANTED), changed)
    assert absent == {"Filter.names", "No"}


def everything_of(union: GraphQLUnionType, of: GraphQLSchema) -> str:
    """A document that asks for all fields of all members, and for the leaves below them."""
    roots = [root for root in (of.query_type, of.mutation_type, of.subscription_type) if root]
    word, name, field = next(
        (word, name, field)
        for word, root in zip(("query", "mutation", "subscription"), roots, strict=False)
        for name, field in root.fields.items()
        if get_named_type(field.type) is union
    )
    declared = ", ".join(f"${key}: {argument.type}" for key, argument in field.args.items())
    given = ", ".join(f"{key}: ${key}" for key in field.args)
    members = " ".join(f"... on {member.name} {selection(member, 2)}" for member in union.types)
    heading = f"{word}({declared}) {{ {name}({given})" if declared else f"{word} {{ {name}"
    return f"{heading} {{ {members} }} }}"


def selection(kind: GraphQLObjectType | GraphQLInterfaceType, depth: int) -> str:
    chosen = ["__typename"]
    for name, field in kind.fields.items():
        below = get_named_type(field.type)
        if not is_composite_type(below):
            chosen.append(name)
        elif depth and isinstance(below, GraphQLObjectType | GraphQLInterfaceType):
            chosen.append(f"{name} {selection(below, depth - 1)}")
    return f"{{ {' '.join(chosen)} }}"


def test_every_result_union_can_be_asked_for_everything_at_once(ours: GraphQLSchema) -> None:
    unions = [kind for _, kind in own_types(ours) if isinstance(kind, GraphQLUnionType)]
    assert unions
    for union in unions:
        assert validate(ours, parse(everything_of(union, ours))) == []


def test_members_that_cannot_be_asked_for_together_are_seen() -> None:
    clashing = build_schema("""
        type A { order: Order! }
        type B { order: Order }
        type Order { id: ID! }
        union Result = A | B
        type Query { place: Result }
    """)
    union = clashing.type_map["Result"]
    assert isinstance(union, GraphQLUnionType)
    assert validate(clashing, parse(everything_of(union, clashing))) != []


def undescribed(sdl: str) -> list[str]:
    return [
        name
        for definition in parse(sdl).definitions
        for name, is_described in described(definition)
        if not is_described
    ]


def described(definition: DefinitionNode) -> Iterator[tuple[str, bool]]:
    name = getattr(definition, "name", None)
    if name is None:
        return
    yield name.value, has_text(definition)
    if isinstance(definition, UnionTypeDefinitionNode):
        return
    is_enum = isinstance(definition, EnumTypeDefinitionNode)
    for part in getattr(definition, "values" if is_enum else "fields", ()):
        yield f"{name.value}.{part.name.value}", has_text(part)
        if isinstance(part, FieldDefinitionNode):
            for argument in part.arguments or ():
                label = f"{name.value}.{part.name.value}({argument.name.value})"
                yield label, has_text(argument)


def has_text(node: object) -> bool:
    description = getattr(node, "description", None)
    return description is not None and bool(description.value.strip())


def test_everything_has_a_description(sdl: str) -> None:
    assert undescribed(sdl) == []


def test_what_has_no_description_is_seen() -> None:
    assert undescribed(
        "enum E { A } scalar S union U = T type T { f(a: Int): E } input I { i: S }"
    ) == [
        *("E", "E.A", "S", "U", "T", "T.f", "T.f(a)", "I", "I.i"),
    ]


def test_introspection_shows_the_descriptions() -> None:
    shown = build_client_schema(introspection_from_schema(build_ours()._schema))
    order = shown.type_map["Order"]
    assert isinstance(order, GraphQLObjectType)
    assert order.description == TEXTS["Order"]
    assert order.fields["amount"].description == TEXTS["Order.amount"]
    assert order.fields["fills"].args["first"].description == TEXTS["*(first)"]
    assert shown.type_map["OrderStatus"].description == TEXTS["OrderStatus"]


def test_a_text_that_fits_nothing_is_an_error() -> None:
    with pytest.raises(LookupError, match=r"Order\.gone"):
        describe(build_ours(), {**TEXTS, "Order.gone": "No such field."})


def test_an_element_without_a_text_is_an_error() -> None:
    texts = {key: text for key, text in TEXTS.items() if key != "Query.orders(filter)"}
    with pytest.raises(LookupError, match=r"Query\.orders\(filter\)"):
        describe(build_ours(), texts)


def test_the_committed_schema_is_not_stale(sdl: str) -> None:
    assert COMMITTED.read_text() == sdl, "run make schema"
