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


def modules() -> list[Path]:
    found = (path for room in ROOMS for path in (ROOT / room).rglob("*.py"))
    return sorted(path for path in found if "node_modules" not in path.parts)


def sentences(source: str) -> Iterator[str]:
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            yield token.string
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, _DEFINITIONS) and (docstring := ast.get_docstring(node)):
            yield docstring


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", modules(), ids=named)
def test_no_sentence_needs_its_author(path: Path) -> None:
    found = [sentence for sentence in sentences(path.read_text()) if RIDDLES.search(sentence)]
    assert found == []


@pytest.mark.parametrize("path", modules(), ids=named)
def test_a_module_says_in_its_first_line_what_is_in_it(path: Path) -> None:
    source = path.read_text()
    if not source.strip():
        return
    docstring = ast.get_docstring(ast.parse(source))
    assert docstring is not None
    assert docstring.splitlines()[0].endswith((".", ":"))
