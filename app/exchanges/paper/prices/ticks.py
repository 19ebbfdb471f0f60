"""TickStreams: live tickers, order books and candles of the simulated market, new at each tick."""

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

# A reader that was away for more ticks gets the candle computed anew, not tick by tick.
_FAR_TICKS = 240
_STEPS_BETWEEN = 10


class TickStreams:
    """Streams of the simulated markets' ticks, and their past candles."""

    def __init__(self, simulated: SimulatedMarkets, clock: Clock) -> None:
        self._simulated = simulated
        self._clock = clock
        self._computing = asyncio.Lock()

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
        """The running candle at every tick, and each candle once more when it closes."""
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
        """Past candles, computed one by one with yields between: each takes some milliseconds."""
        now, candles = self._clock.now(), []
        async with self._computing:
            for start in _starts(asked, now):
                candles.append(self._simulated.candle(asked.symbol, asked.span, start, now))
                await _yield_to_others()
        return candles


async def _yield_to_others() -> None:
    """Yield several times: other tasks need many steps, and would wait for a candle at each one."""
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
