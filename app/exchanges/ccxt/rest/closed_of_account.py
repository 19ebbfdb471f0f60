"""ClosedOfAccount: reads the closed orders of a whole account for many markets at once."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from app.exchanges.ccxt.parsing.numbers import milliseconds
from app.exchanges.ccxt.parsing.order_terms import Row
from app.ports import Clock

# How long a list also answers for other markets: they are asked for one after the other.
KEPT_SECONDS = 5.0

# Reads the whole list from a time on, in seconds.
Read = Callable[[int], Awaitable[Sequence[Row]]]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Listing:
    start: int
    rows: Sequence[Row]
    read_at: float
    # The markets that it has answered for: what they are asked next is a new question.
    answered: set[str] = field(default_factory=set)


class ClosedOfAccount:
    """One list answers for all markets that are asked for in a row."""

    def __init__(self, read: Read, clock: Clock) -> None:
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
            listing = _Listing(start=start, rows=await self._read(start), read_at=begun_at)
            self._last = listing
        listing.answered.update(symbols)
        return [row for row in listing.rows if row.get("symbol") in symbols]

    def _is_good(self, listing: _Listing, symbols: Sequence[str], start: int) -> bool:
        is_new = self._clock.elapsed() - listing.read_at < KEPT_SECONDS
        return is_new and listing.start == start and listing.answered.isdisjoint(symbols)
