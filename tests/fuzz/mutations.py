"""What is valid, and what becomes of it in hostile hands."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

from hypothesis import strategies as st

Text = TypeVar("Text", str, bytes)
Draw = Callable[[st.SearchStrategy[Any]], Any]

MOST_CHANGES = 3
REPEATS = (2, 60, 6_000)
MOST_BYTES = 300_000
LENGTHS = st.sampled_from([0, 0, 1, 1, 2, 4, 12, 40])
_KEYS = st.sampled_from(["", "__proto__", "type", "id", "payload", "x" * 300, "\0"])
NUMBERS = (0, -1, 1, 2**31, 2**63, -(2**63) - 1, 10**400, 0.5, 1e308, float("inf"), float("nan"))
TEXTS = ("", " ", "\0", "\ud800", "é", "٣", "null", "-1", "1e400", "x" * 5_000, "{", "$", "🂡" * 70)
HOSTILE: st.SearchStrategy[Any] = st.one_of(
    st.sampled_from([None, True, False, [], {}, [[]], [None], {"": None}, [{}] * 40]),
    st.sampled_from(NUMBERS),
    st.sampled_from(TEXTS),
    st.text(max_size=8),
)


@st.composite
def mutated(
    draw: Draw,
    valid: st.SearchStrategy[Text],
    words: Sequence[Text],
    noise: st.SearchStrategy[Text],
) -> Text:
    """A few slices of it taken out, repeated, or replaced by words of the grammar or by noise."""
    text: Text = draw(valid)
    for _ in range(draw(st.integers(0, MOST_CHANGES))):
        start = draw(st.integers(0, len(text)))
        end = start + draw(LENGTHS)
        nothing = text[:0]
        part: Text = text[start:end]
        becomes = [nothing, *words, *(part * times for times in REPEATS)]
        new = draw(st.one_of(st.sampled_from(becomes), noise))
        text = (text[:start] + new + text[end:])[:MOST_BYTES]
    return text


@st.composite
def twisted(draw: Draw, valid: st.SearchStrategy[Any]) -> Any:
    """A tree of which a few branches are cut off, grafted elsewhere, or something else."""
    tree = draw(valid)
    for _ in range(draw(st.integers(0, MOST_CHANGES))):
        tree = _changed(draw, tree, draw(st.sampled_from(list(_paths(tree)))))
    return tree


def _paths(tree: Any) -> Iterator[tuple[str, ...]]:
    """To each node, so that what lies deep is found as often as what lies high."""
    yield ()
    if isinstance(tree, dict):
        for key, below in tree.items():
            yield from ((key, *path) for path in _paths(below))


def _changed(draw: Draw, tree: Any, path: tuple[str, ...]) -> Any:
    if not path:
        return draw(st.one_of(HOSTILE, st.just([tree]), st.just({"": tree})))
    key, *deeper = path
    rest = {name: value for name, value in tree.items() if name != key}
    if deeper or draw(st.integers(0, 2)):
        return rest | {key: _changed(draw, tree[key], tuple(deeper))}
    return draw(st.sampled_from([rest, rest | {draw(_KEYS): tree[key]}]))
