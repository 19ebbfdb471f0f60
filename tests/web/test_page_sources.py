import json
import re
from pathlib import Path
from typing import Any

import pytest
from graphql import (
    DocumentNode,
    GraphQLSchema,
    OperationDefinitionNode,
    build_schema,
    parse,
    validate,
)
from graphql.execution import get_variable_values

ROOT = Path(__file__).parents[2]
WEB = ROOT / "app" / "web"
EXAMPLES = sorted((WEB / "src" / "examples").glob("*.graphql"))
DOCUMENTS = [*EXAMPLES, *sorted((WEB / "src").glob("*.graphql"))]


@pytest.fixture(scope="module")
def schema() -> GraphQLSchema:
    return build_schema((ROOT / "schema" / "schema.graphql").read_text())


def operation_of(document: DocumentNode) -> OperationDefinitionNode:
    (operation,) = document.definitions
    assert isinstance(operation, OperationDefinitionNode)
    return operation


def variables_of(path: Path) -> dict[str, Any]:
    variables = path.with_suffix(".json")
    return json.loads(variables.read_text()) if variables.exists() else {}


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.stem)
def test_every_document_of_the_page_is_valid(schema: GraphQLSchema, path: Path) -> None:
    assert validate(schema, parse(path.read_text())) == []


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.stem)
def test_every_example_brings_the_variables_that_it_takes(
    schema: GraphQLSchema, path: Path
) -> None:
    definitions = operation_of(parse(path.read_text())).variable_definitions or ()
    variables = variables_of(path)
    assert set(variables) == {definition.variable.name.value for definition in definitions}
    assert not isinstance(get_variable_values(schema, definitions, variables), list)


def test_every_example_has_a_tab() -> None:
    imported = re.findall(
        r'from "\./examples/(.+)\.graphql"', (WEB / "src/examples.js").read_text()
    )
    assert sorted(imported) == [path.stem for path in EXAMPLES]


def test_the_html_holds_nothing_inline() -> None:
    html = (WEB / "src" / "index.html").read_text()
    assert re.findall(r"<script(?![^>]* src=)|<style|\sstyle=|\son\w+=", html) == []


def test_the_html_asks_for_nothing_from_elsewhere() -> None:
    html = (WEB / "src" / "index.html").read_text()
    assert all(
        address.startswith("/static/") for address in re.findall(r'(?:src|href)="(.+?)"', html)
    )


def test_the_lock_holds_hashes_and_no_addresses() -> None:
    packages = json.loads((WEB / "package-lock.json").read_text())["packages"]
    locked = {name: package for name, package in packages.items() if name}
    assert [name for name, package in locked.items() if "integrity" not in package] == []
    assert [name for name, package in locked.items() if "resolved" in package] == []


def test_every_dependency_is_pinned() -> None:
    package = json.loads((WEB / "package.json").read_text())
    versions = {**package["dependencies"], **package["devDependencies"]}
    assert {name: v for name, v in versions.items() if not re.fullmatch(r"[\d.]+", v)} == {}
