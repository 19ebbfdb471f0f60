"""Comments and docstrings are plain English, and each module says what is in it."""

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ROOMS = ("app", "schema", "benchmarks", "tests/support")
# Phrases that hide who does what, or that only their author understands.
RIDDLES = re.compile(
    r"\bwhoever\b|\bNone where\b|\b(?:is|are|was|were) told\b|\bwhat there may\b|\bsuch as is\b",
    re.IGNORECASE,
)
_DEFINITIONS = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def modules(room: str) -> list[Path]:
    found = (ROOT / room).rglob("*.py")
    return sorted(path for path in found if "node_modules" not in path.parts)


def sentences(source: str) -> Iterator[str]:
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            yield token.string
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, _DEFINITIONS) and (docstring := ast.get_docstring(node)):
            yield docstring


@pytest.mark.parametrize("room", ROOMS)
def test_no_sentence_needs_its_author(room: str) -> None:
    found = {
        str(path.relative_to(ROOT)): sentence
        for path in modules(room)
        # Most files need no second look, and tokens take long.
        if RIDDLES.search(source := path.read_text())
        for sentence in sentences(source)
        if RIDDLES.search(sentence)
    }
    assert found == {}


@pytest.mark.parametrize("room", ROOMS)
def test_each_module_says_in_its_first_line_what_is_in_it(room: str) -> None:
    silent = [str(path.relative_to(ROOT)) for path in modules(room) if not says_what(path)]
    assert silent == []


def says_what(path: Path) -> bool:
    """An empty module has nothing to say."""
    source = path.read_text()
    first, *_ = source.splitlines() or [""]
    return not source.strip() or (
        first.startswith('"""') and first.rstrip('"').endswith((".", ":"))
    )
