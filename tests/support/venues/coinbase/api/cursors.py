"""Pages of a list with a cursor to the next; the newest come first, and the last has no cursor."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from tests.support.venues.coinbase.api.refusals import invalid_argument

T = TypeVar("T")

USUAL = 100
MOST = 250


def paged(
    items: Sequence[T], params: Mapping[str, str], *, name: str, page: Callable[[T], Any], most: int
) -> dict[str, Any]:
    """One page, which is shorter than what was asked for if that is more than there may be."""
    limit = min(int(params.get("limit", str(USUAL))), most)
    if limit < 1:
        raise invalid_argument("limit must be positive")
    pages = [page(item) for item in items]
    names = [str(each.get("entry_id", each["order_id"])) for each in pages]
    start = _start(names, params.get("cursor", ""))
    rows = pages[start : start + limit]
    has_next = start + limit < len(pages)
    cursor = names[start + limit - 1] if has_next else ""
    return {name: rows, "sequence": "0", "has_next": has_next, "cursor": cursor}


def _start(names: list[str], cursor: str) -> int:
    """Below the row that the last page ended with, whatever came in front of it meanwhile."""
    if not cursor:
        return 0
    if cursor not in names:
        raise invalid_argument("invalid cursor")
    return names.index(cursor) + 1
