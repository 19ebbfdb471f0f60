from collections.abc import Mapping
from typing import Any

import pytest
from graphql import (
    DocumentNode,
    FieldNode,
    FragmentSpreadNode,
    OperationDefinitionNode,
    SelectionSetNode,
    get_introspection_query,
    parse,
)
from hypothesis import given
from hypothesis import strategies as st

from app.errors import TooComplex
from schema.limits import document_size
from schema.limits.document_size import DocumentSize, SizeCheck, check_values, fragments_of
from tests.support.api.documents import calling, every_root_field


def nested_fragments(count: int, *, spreads: int = 2) -> str:
    """Each is spread several times in the one before: small to send, endless to write out."""
    parts = [
        f"fragment F{one} on Viewer {{ {f'...F{one + 1} ' * spreads}name }}" for one in range(count)
    ]
    return f"{{ viewer {{ ...F0 }} }} {' '.join(parts)} fragment F{count} on Viewer {{ name }}"


def written_out(document: DocumentNode) -> DocumentSize:
    """The extent of the first operation, found the slow way."""
    fragments = fragments_of(document)

    def of(selected: SelectionSetNode | None) -> DocumentSize:
        found = DocumentSize()
        for one in () if selected is None else selected.selections:
            if isinstance(one, FragmentSpreadNode):
                found += of(fragments[one.name.value].selection_set)
            elif isinstance(one, FieldNode):
                below = of(one.selection_set)
                found += DocumentSize(
                    width=1,
                    fields=below.fields + 1,
                    aliases=below.aliases + bool(one.alias),
                    depth=below.depth + 1,
                )
            else:
                found += of(getattr(one, "selection_set", None))
        return found

    return of(operation_of(document).selection_set)


def operation_of(document: DocumentNode) -> OperationDefinitionNode:
    [operation] = [it for it in document.definitions if isinstance(it, OperationDefinitionNode)]
    return operation


@st.composite
def documents(draw: st.DrawFn) -> str:
    """Fragments that spread only later ones, so that none goes in a circle."""
    count = draw(st.integers(0, 5))

    def selection(level: int, after: int) -> str:
        kinds = ["name", "a: name", "... { name b: name }"]
        kinds += [f"...F{one}" for one in range(after, count)]
        kinds += ["c: x { INNER }", "x { INNER }"] if level < 3 else []
        chosen = draw(st.lists(st.sampled_from(kinds), min_size=1, max_size=4))
        return " ".join(
            it.replace("INNER", selection(level + 1, after)) if "INNER" in it else it
            for it in chosen
        )

    parts = [f"fragment F{one} on T {{ {selection(0, one + 1)} }}" for one in range(count)]
    return f"{{ {selection(0, 0)} }} {' '.join(parts)}"


@given(documents())
def test_what_is_remembered_of_fragments_is_what_is_written_out(text: str) -> None:
    document = parse(text)
    assert SizeCheck(document).of_operation(operation_of(document)) == written_out(document)


def test_each_selection_is_visited_once_however_often_it_is_spread() -> None:
    document = parse(nested_fragments(20))
    check = SizeCheck(document)
    with pytest.raises(TooComplex, match="fields 2097152"):
        check.check()
    assert check.visits == 2 + 20 * 3 + 1


def test_fragments_that_go_in_a_circle_come_to_an_end() -> None:
    text = "{ viewer { ...A } } fragment A on Viewer { ...B } fragment B on Viewer { ...A name }"
    check = SizeCheck(parse(text))
    check.check()
    assert check.visits == 5


def test_a_chain_of_very_many_fragments_is_refused_before_it_is_followed() -> None:
    text = nested_fragments(document_size.MAX_NESTING + 1, spreads=1)
    with pytest.raises(TooComplex, match="nesting"):
        SizeCheck(parse(text)).check()


REFUSED = {
    "definitions": (
        " ".join(f"query q{one} {{ viewer {{ name }} }}" for one in range(101)),
        "definitions 101, at most 100",
    ),
    "root fields": (
        f"{{ {' '.join(f'v{one}: viewer {{ name }}' for one in range(51))} }}",
        "root fields 51, at most 50",
    ),
    "aliases": (
        f"{{ viewer {{ {' '.join(f'n{one}: name' for one in range(501))} }} }}",
        "aliases 501, at most 500",
    ),
    "fields": (
        f"{{ viewer {{ ...A ...A }} }} fragment A on Viewer {{ {'name ' * 750} }}",
        "fields 1501, at most 1500",
    ),
    "depth": (f"{{ {'a { ' * 20} b {'}' * 21}", "depth 21, at most 20"),
    "directives on a field": (
        f"{{ viewer {'@skip(if: false) ' * 11} {{ name }} }}",
        "directives in one place 11, at most 10",
    ),
    "directives on an operation": (
        f"query A {'@a ' * 11} {{ viewer {{ name }} }}",
        "directives in one place 11, at most 10",
    ),
    "directives on a fragment that nobody spreads": (
        f"{{ a }} fragment F on Viewer {'@a ' * 11} {{ name }}",
        "directives in one place 11, at most 10",
    ),
}


@pytest.mark.parametrize(("text", "said"), REFUSED.values(), ids=REFUSED.keys())
def test_what_is_beyond_a_limit_is_refused_with_its_name_and_both_numbers(
    text: str, said: str
) -> None:
    with pytest.raises(TooComplex, match=said):
        SizeCheck(parse(text)).check()


def test_whatever_the_schema_offers_can_be_asked_for_at_once() -> None:
    texts = [calling(operation, name) for operation, name in every_root_field()]
    for text in [*texts, get_introspection_query()]:
        SizeCheck(parse(text)).check()


def deep(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"a": [1] * 12_000}, "values in variables"),
        ({"a": {str(one): 1 for one in range(12_000)}}, "values in variables"),
        ({"a": [[1] * 100] * 120}, "values in variables"),
        ({"a": deep(50)}, "depth of variables 51, at most 50"),
        ({"a": {"b": deep(49)}}, "depth of variables 51, at most 50"),
    ],
    ids=["a list", "an object", "lists in a list", "a deep list", "a deep list in an object"],
)
def test_variables_beyond_a_limit_are_refused(variables: Mapping[str, object], said: str) -> None:
    with pytest.raises(TooComplex, match=said):
        check_values(variables)


@pytest.mark.parametrize("variables", [None, {}, {"a": [1] * 11_999}, {"a": deep(49)}])
def test_variables_up_to_the_limits_are_taken(variables: Mapping[str, object] | None) -> None:
    check_values(variables)
