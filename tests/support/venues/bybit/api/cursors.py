"""Pages of a list with a cursor to the next; the newest come first."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from tests.support.venues.bybit.api.integers import integer
from tests.support.venues.bybit.api.refusals import parameter_error

T = TypeVar("T")


def paged(
    items: Sequence[T],
    params: Mapping[str, str],
    page: Callable[[T], Any],
    *,
    usual: int,
    most: int,
) -> dict[str, Any]:
    """One page: even the last has a cursor, which leads to an empty one."""
    limit = integer(params, "limit", usual)
    if not 1 <= limit <= most:
        raise parameter_error(f"params error: limit not in [1, {most}]")
    start = _start(params.get("cursor", ""))
    rows = [page(item) for item in items[start : start + limit]]
    cursor = f"page_token%3A{start + len(rows)}%26" if rows else ""
    return {"category": "spot", "list": rows, "nextPageCursor": cursor}


def _start(cursor: str) -> int:
    """Where the page begins; the cursor comes back as it is, or decoded from a query."""
    token = cursor.replace("%3A", ":").replace("%26", "&")
    if not token:
        return 0
    number = token.removeprefix("page_token:").removesuffix("&")
    if not number.isdecimal():
        raise parameter_error("params error: cursor invalid")
    return int(number)
