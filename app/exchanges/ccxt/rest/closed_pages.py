"""ClosedPages: reads the closed orders of a whole account, page after page."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from app.exchanges.ccxt.connection.exchange_quirks import AccountPages
from app.exchanges.ccxt.parsing.numbers import milliseconds
from app.exchanges.ccxt.parsing.order_terms import Row
from app.ports import Clock

# How long a list also answers for other markets: they are asked for one after the other.
KEPT_SECONDS = 5.0

Read = Callable[[Mapping[str, Any]], Awaitable[Sequence[Row]]]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Listing:
    start: int
    rows: Sequence[Row]
    read_at: float
    # The markets that it has answered for: what they are asked next is a new question.
    answered: set[str] = field(default_factory=set)


class ClosedPages:
    """One list answers for all markets that are asked for in a row."""

    def __init__(self, pages: AccountPages, read: Read, clock: Clock) -> None:
        self._pages = pages
        self._read = read
        self._clock = clock
        self._last: _Listing | None = None

    async def of(self, symbols: Sequence[str], since: datetime) -> Sequence[Row]:
        """The orders of these markets that were opened or closed since."""
        # Kraken leaves out what happened at the start itself.
        start = milliseconds(since) // 1000 - 1
        listing = self._last
        if listing is None or not self._is_good(listing, symbols, start):
            begun_at = self._clock.elapsed()
            listing = _Listing(start=start, rows=await self._all(start), read_at=begun_at)
            self._last = listing
        listing.answered.update(symbols)
        return [row for row in listing.rows if row.get("symbol") in symbols]

    def _is_good(self, listing: _Listing, symbols: Sequence[str], start: int) -> bool:
        is_new = self._clock.elapsed() - listing.read_at < KEPT_SECONDS
        return is_new and listing.start == start and listing.answered.isdisjoint(symbols)

    async def _all(self, start: int) -> Sequence[Row]:
        """All pages. What closes meanwhile moves rows to the next page, and hides none."""
        found: dict[object, Row] = {}
        offset = 0
        while True:
            rows = await self._read({self._pages.start: start, self._pages.offset: offset})
            known, found = len(found), found | {row.get("id"): row for row in rows}
            offset += len(rows)
            if len(rows) < self._pages.size or len(found) == known:
                return list(found.values())
