"""Cuts a list into pages as KuCoin does: newest first, below the row that was the last one."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from tests.support.venues.kucoin.api.refusals import wrong

USUAL, MOST = 20, 100
LONGEST = 7 * 24 * 60 * 60 * 1000
T = TypeVar("T")


def page_of(
    items: Sequence[T],
    params: Mapping[str, str],
    *,
    row: Callable[[T], int],
    at: Callable[[T], int],
    told: Callable[[T], Any],
    now: int,
) -> dict[str, Any]:
    """A page of the items of at most a week; it reads `limit` and ignores `pageSize`."""
    begin, end = _span(params, now)
    last = int(params.get("lastId") or 0)
    limit = int(params.get("limit") or USUAL)
    if limit > MOST:
        raise wrong(f"limit should not greater than {MOST}")
    kept = [item for item in items if begin <= at(item) <= end and (not last or row(item) < last)]
    shown = sorted(kept, key=row, reverse=True)[:limit]
    return {
        "lastId": row(shown[-1]) if shown else 0,
        "items": [told(item) for item in shown],
    }


def _span(params: Mapping[str, str], now: int) -> tuple[int, int]:
    begin, end = (int(params.get(name) or 0) for name in ("startAt", "endAt"))
    if begin and end and end - begin > LONGEST:
        raise wrong("The query time range can not exceed 7 days")
    if begin:
        return begin, end or begin + LONGEST
    end = end or now
    return end - LONGEST, end
