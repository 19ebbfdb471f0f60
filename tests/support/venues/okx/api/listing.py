"""Cuts a list into pages as OKX does: newest first, on from the id that was named."""

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

MOST = 100
T = TypeVar("T")


def page_of(
    items: Sequence[T],
    params: Mapping[str, str],
    *,
    number: Callable[[T], int],
    at: Callable[[T], int],
) -> list[T]:
    """The items between the ids `before` and `after` and the times `begin` and `end`."""
    newer, older = (int(params.get(name, -1)) for name in ("before", "after"))
    begin, end = (int(params.get(name, -1)) for name in ("begin", "end"))
    kept = [
        item
        for item in items
        if number(item) > newer
        and (older < 0 or number(item) < older)
        and at(item) >= begin
        and (end < 0 or at(item) <= end)
    ]
    limit = min(int(params.get("limit", MOST)), MOST)
    return sorted(kept, key=number, reverse=True)[:limit]
