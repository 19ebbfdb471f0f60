"""The simulated market as it goes on: something new with every tick."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from datetime import datetime

from app.domain.markets.candles import Candle, CandleRequest
from app.domain.markets.markets import Ticker
from app.domain.markets.order_books import OrderBook
from app.exchanges.paper.prices.candles import BEGINNING, begin_of
from app.exchanges.paper.prices.price_path import TICK, tick_of, time_of
from app.exchanges.paper.prices.simulated_markets import SimulatedMarkets
from app.ports import Clock

# Whoever was away for longer looks at the span anew, not at every tick of it.
_FAR_TICKS = 240
_STEPS_BETWEEN = 10


class TickStreams:
    """What the venue tells of each tick, and of the spans that have passed."""

    def __init__(self, simulated: SimulatedMarkets, clock: Clock) -> None:
        self._simulated = simulated
        self._clock = clock
        self._working = asyncio.Lock()

    def pause_seconds(self) -> float:
        """How long until the next tick."""
        now = self._clock.now()
        return (time_of(tick_of(now)) + TICK - now).total_seconds()

    async def ticker(self, symbol: str) -> AsyncGenerator[Ticker, None]:
        while True:
            await self._clock.sleep(self.pause_seconds())
            yield self._simulated.tickers([symbol], self._clock.now())[symbol]

    async def order_book(self, symbol: str) -> AsyncGenerator[OrderBook, None]:
        while True:
            await self._clock.sleep(self.pause_seconds())
            yield self._simulated.book(symbol, self._clock.now())

    async def candles(self, symbol: str, timeframe: str) -> AsyncGenerator[Candle, None]:
        """Also how each ends: as one that is closed."""
        span = CandleRequest(symbol=symbol, timeframe=timeframe, limit=1).span
        tick, candle = -1, None
        while True:
            now = self._clock.now()
            if candle is None or candle.at + span <= now:
                if candle is not None:
                    yield self._simulated.candle(symbol, span, candle.at, now)
                candle = self._simulated.candle(symbol, span, begin_of(now, span), now)
            elif tick_of(now) - tick > _FAR_TICKS:
                candle = self._simulated.candle(symbol, span, candle.at, now)
            elif tick_of(now) > tick:
                candle = self._simulated.grown(symbol, candle, tick, tick_of(now))
            tick = tick_of(now)
            yield candle
            await self._clock.sleep(self.pause_seconds())

    async def past(self, asked: CandleRequest) -> Sequence[Candle]:
        """One after the other, with room for others between: each takes some milliseconds."""
        now, found = self._clock.now(), []
        async with self._working:
            for start in _starts(asked, now):
                found.append(self._simulated.candle(asked.symbol, asked.span, start, now))
                await _let_others_go_on()
        return found


async def _let_others_go_on() -> None:
    """By several steps, for what takes many would wait for a candle at each of them."""
    for _ in range(_STEPS_BETWEEN):
        await asyncio.sleep(0)


def _starts(asked: CandleRequest, now: datetime) -> Sequence[datetime]:
    span, running = asked.span, begin_of(now, asked.span)
    if asked.since is None:
        first = max(running - (asked.limit - 1) * span, BEGINNING)
    else:
        since = max(asked.since, BEGINNING)
        began = begin_of(since, span)
        first = began if began == since else began + span
    count = min(asked.limit, (running - first) // span + 1)
    return [first + number * span for number in range(count)]
