"""CandleProcess: simulated candles, a pure function of seed, market and time; none is stored."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cache, lru_cache
from hashlib import blake2b

from app.domain import money
from app.domain.markets.candles import Candle
from app.exchanges.paper.prices.extremes import Extremes
from app.exchanges.paper.prices.listings import Listing
from app.exchanges.paper.prices.price_path import TICK, PriceProcess, tick_of, time_of

TIMEFRAMES = ("1m", "5m", "15m", "1h", "4h", "1d")
# There are no candles before this time.
BEGINNING = datetime(2025, 1, 1, tzinfo=UTC)

_KEPT = 20_000
_MINUTE_TICKS = timedelta(minutes=1) // TICK
# The least and the most that a minute trades, in quote; on average what its ticks trade.
_MINUTE_WORTH = (900_000, 1_260_000)


class CandleProcess:
    """Computes candles; a closed candle is computed once and cached."""

    def __init__(self, seed: int, prices: PriceProcess) -> None:
        self._seed = seed
        self._prices = prices
        self._closed = lru_cache(maxsize=_KEPT)(self._whole)
        self._extremes = cache(lambda listing: Extremes(prices.waves(listing)))

    def candle(self, listing: Listing, span: timedelta, start: datetime, now: datetime) -> Candle:
        """The candle that begins there, up to now."""
        if start + span <= now:
            return self._closed(listing, span, start)
        return self._until(listing, start, tick_of(now) + 1)

    def grown(self, listing: Listing, candle: Candle, before: int, tick: int) -> Candle:
        """An unfinished candle of all ticks up to `before`, extended up to `tick`."""
        prices = [self._prices.last(listing, later) for later in range(before + 1, tick + 1)]
        return replace(
            candle,
            high=max(candle.high, *prices),
            low=min(candle.low, *prices),
            close=prices[-1],
            volume=self._volume(listing, tick_of(candle.at), tick + 1),
        )

    def _whole(self, listing: Listing, span: timedelta, start: datetime) -> Candle:
        return replace(self._until(listing, start, tick_of(start + span)), is_closed=True)

    def _until(self, listing: Listing, start: datetime, end: int) -> Candle:
        """The candle up to a tick, which is excluded."""
        first = tick_of(start)
        highest, lowest = self._extremes(listing).candidates(first, end)
        return Candle(
            at=start,
            open=self._prices.last(listing, first),
            high=max(self._prices.last(listing, tick) for tick in highest),
            low=min(self._prices.last(listing, tick) for tick in lowest),
            close=self._prices.last(listing, end - 1),
            volume=self._volume(listing, first, end),
            is_closed=False,
        )

    def _volume(self, listing: Listing, start: int, end: int) -> Decimal:
        """The volume by minutes, each growing evenly, so that long candles sum up short ones."""
        first, rest = start // _MINUTE_TICKS, end % _MINUTE_TICKS
        last = end // _MINUTE_TICKS
        steps = sum(self._minute(listing, minute) for minute in range(first, last))
        if rest:
            steps += self._minute(listing, last) * rest // _MINUTE_TICKS
        return money.multiply(Decimal(steps), listing.amount_step)

    def _minute(self, listing: Listing, minute: int) -> int:
        """One minute's volume in amount steps, valued at the listing's anchor price."""
        name = f"{self._seed}|volume|{listing.symbol}|{minute}"
        die = int.from_bytes(blake2b(name.encode(), digest_size=4).digest())
        least, most = _MINUTE_WORTH
        worth = least + ((most - least) * die >> 32)
        return int(worth / (listing.anchor * listing.amount_step))


def begin_of(at: datetime, span: timedelta) -> datetime:
    """The start of the candle that contains this time."""
    return time_of(tick_of(at) // (span // TICK) * (span // TICK))
