from collections.abc import Mapping
from typing import Any, cast

import pytest
from graphql import (
    FieldNode,
    FragmentSpreadNode,
    GraphQLObjectType,
    GraphQLSchema,
    OperationDefinitionNode,
    SelectionSetNode,
    build_schema,
    get_introspection_query,
    get_named_type,
    parse,
)
from hypothesis import given
from hypothesis import strategies as st

import schema.build
from schema.limits.costs import LISTED, LOOK_UP, MAX_COST, CostCalculator, given_variables
from schema.limits.document_size import fragments_of
from tests.schema.limits.test_document_size import nested_fragments, operation_of
from tests.support.api.documents import calling, every_root_field

TREE = build_schema("""
    type Query { tree: Tree }
    type Tree { name: String, one: Tree, some: [Tree!]!, page(first: Int): Page! }
    type Page { total: Int, nodes: [Tree!]!, edges: [Edge!]! }
    type Edge { node: Tree! }
""")


def cost(text: str, given: GraphQLSchema | None = None, **variables: Any) -> int:
    document = parse(text)
    operation = operation_of(document)
    found = CostCalculator(given or schema.build.build_schema()._schema, document)
    return found.of_operation(operation).total(given_variables(operation, variables))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{ viewer { name } }", LOOK_UP + 1),
        ("{ viewer { name name n: name __typename } }", LOOK_UP + 4),
        ("{ orders(first: 3) { totalCount } }", LOOK_UP + 1),
        ("{ orders(first: 3) { nodes { id symbol } } }", LOOK_UP + 1 + 3 * 2),
        ("{ orders(last: 3) { nodes { id symbol } } }", LOOK_UP + 1 + 3 * 2),
        ("{ orders(first: 3) { edges { cursor node { id } } } }", LOOK_UP + 1 + 3 * 3),
        ("{ orders { nodes { id } } }", LOOK_UP + 1 + 50),
        ("{ orders(first: null) { nodes { id } } }", LOOK_UP + 1 + 50),
        ("{ orders(first: 1000000) { nodes { id } } }", LOOK_UP + 1 + 500),
        ("{ orders(first: -7) { nodes { id } } }", LOOK_UP + 1),
        (f"{{ orders(first: {'9' * 6000}) {{ nodes {{ id }} }} }}", LOOK_UP + 1 + 50),
        ("{ accounts { name } }", LOOK_UP + LISTED),
        ('{ candles(symbol: "a") { at } }', LOOK_UP + 200),
        ('{ candles(symbol: "a", limit: 7) { at } }', LOOK_UP + 7),
        ('{ tickers(symbols: ["a", "b"]) { at } }', LOOK_UP + 2),
        ("{ tickers { at } }", LOOK_UP + 500),
        ('{ orderBook(symbol: "a", depth: 9) { bids { price } at } }', LOOK_UP + 2 + 9),
        (
            "{ orders(first: 2) { nodes { fills(first: 5) { nodes { id } } } } }",
            LOOK_UP + 1 + 2 * (LOOK_UP + 1 + 5),
        ),
        (
            "{ orders(first: 2) { ...C } } fragment C on OrderConnection { nodes { ... { id } } }",
            LOOK_UP + 1 + 2,
        ),
        ("mutation { pauseBot { ... on Refusal { code } __typename } }", LOOK_UP + 2),
    ],
    ids=lambda it: str(it)[:60],
)
def test_every_field_costs_one_as_often_as_its_lists_may_answer_it(
    text: str, expected: int
) -> None:
    assert cost(text) == expected


@pytest.mark.parametrize(
    ("given", "times"),
    [({}, 7), ({"n": None}, 50), ({"n": 3}, 3), ({"n": 10**9}, 500), ({"n": "x"}, 50)],
    ids=str,
)
def test_a_variable_says_how_long_a_list_gets(given: Mapping[str, Any], times: int) -> None:
    text = "query ($n: Int = 7) { orders(first: $n) { nodes { id } } }"
    assert cost(text, **given) == LOOK_UP + 1 + times


@pytest.mark.parametrize(("given", "times"), [([{}] * 4, 4), ({}, 1), ([{}] * 1000, 100)])
def test_a_batch_costs_as_often_as_it_is_long(given: object, times: int) -> None:
    text = "mutation ($it: [PlaceOrderInput!]!) { placeOrders(inputs: $it) { __typename } }"
    assert cost(text, it=given) == LOOK_UP + times


def test_whatever_the_schema_offers_is_within_the_limit_where_no_size_is_given() -> None:
    texts = [calling(operation, name) for operation, name in every_root_field()]
    assert max(cost(text) for text in [*texts, get_introspection_query()]) < MAX_COST


def test_the_longest_page_of_all_fields_of_orders_is_within_the_limit() -> None:
    text = calling("query", "orders", depth=2)
    assert cost(text, first=500) < MAX_COST


def test_each_selection_is_visited_once_however_often_it_is_spread() -> None:
    document = parse(nested_fragments(20))
    calculator = CostCalculator(schema.build.build_schema()._schema, document)
    assert calculator.of_operation(operation_of(document)).total({}) == LOOK_UP + 2**21 - 1
    assert calculator.visits == 2 + 20 * 3 + 1


class Counted(dict[str, Any]):
    """Variables that count how often they are looked at."""

    looks = 0

    def get(self, key: str, default: Any = None) -> Any:
        self.looks += 1
        return super().get(key, default)


def test_what_variables_say_is_multiplied_once_however_often_it_is_spread() -> None:
    parts = [
        f"fragment F{one} on Tree {{ page(first: $n) {{ nodes {{ {below} }} }} {below} }}"
        for one, below in enumerate(f"...F{one}" for one in range(1, 21))
    ]
    text = (
        f"query ($n: Int) {{ tree {{ ...F0 }} }} {' '.join(parts)} fragment F20 on Tree {{ name }}"
    )
    document = parse(text)
    variables = Counted(n=1)
    found = CostCalculator(TREE, document).of_operation(operation_of(document)).total(variables)
    assert found > 2**20
    assert variables.looks == 20


def written_out(text: str, n: int) -> int:
    """The cost of a document on trees, found the slow way."""
    document = parse(text)
    fragments = fragments_of(document)

    def of(selected: SelectionSetNode | None, kind: GraphQLObjectType, size: int) -> int:
        return sum(of_one(one, kind, size) for one in (selected.selections if selected else ()))

    def of_one(one: Any, kind: GraphQLObjectType, size: int) -> int:
        if isinstance(one, FragmentSpreadNode):
            return of(fragments[one.name.value].selection_set, kind, size)
        if not isinstance(one, FieldNode):
            return of(one.selection_set, kind, size)
        name = one.name.value
        below = cast("GraphQLObjectType", get_named_type(kind.fields[name].type))
        own = LOOK_UP if name in {"page", "tree"} else 1
        times = size if name in {"nodes", "edges", "some"} else 1
        inner = n if one.arguments else 50 if name == "page" else LISTED
        return own + times * of(one.selection_set, below, inner)

    [operation] = [it for it in document.definitions if isinstance(it, OperationDefinitionNode)]
    return of(operation.selection_set, cast("GraphQLObjectType", TREE.query_type), LISTED)


@st.composite
def trees(draw: st.DrawFn) -> str:
    """Documents whose fragments spread only later ones, on trees and on their pages."""
    count = draw(st.integers(0, 4))

    def chosen(kinds: list[str]) -> list[str]:
        return draw(st.lists(st.sampled_from(kinds), min_size=1, max_size=3))

    def tree(level: int, after: int) -> str:
        kinds = ["name", *(f"...T{one}" for one in range(after, count))]
        kinds += ["one", "some", "page(first: $n)", "page", "..."] if level < 3 else []
        return " ".join(
            it
            if it == "name" or it.startswith("...T")
            else f"{it} {{ {(page if 'page' in it else tree)(level + 1, after)} }}"
            for it in chosen(kinds)
        )

    def page(level: int, after: int) -> str:
        kinds = ["total", "nodes", "edges", *(f"...P{one}" for one in range(after, count))]
        wrapped = {"nodes": "nodes {{ {} }}", "edges": "edges {{ node {{ {} }} }}"}
        return " ".join(
            wrapped[it].format(tree(level + 1, after)) if it in wrapped else it
            for it in chosen(kinds)
        )

    parts = [f"fragment T{one} on Tree {{ {tree(1, one + 1)} }}" for one in range(count)]
    parts += [f"fragment P{one} on Page {{ {page(1, one + 1)} }}" for one in range(count)]
    return f"query ($n: Int) {{ tree {{ {tree(0, 0)} }} }} {' '.join(parts)}"


@given(trees(), st.integers(0, 500))
def test_what_is_remembered_of_fragments_costs_what_is_written_out(text: str, n: int) -> None:
    assert cost(text, TREE, n=n) == written_out(text, n)
