"""TickerPolls: stands in for missing ticker streams with one request for all their markets."""

import asyncio
from collections.abc import Sequence

from app.domain.markets.markets import Ticker
from app.exchanges.ccxt.rest.market_data import MarketData
from app.ports import Clock

POLL_SECONDS = 2.0
# A market that nobody has asked for this long is not polled any more.
_FORGOTTEN_AFTER_SECONDS = 3 * POLL_SECONDS


class TickerPolls:
    """The first who asks after a while asks for all markets, and the others get their part."""

    def __init__(self, data: MarketData, clock: Clock) -> None:
        self._data = data
        self._clock = clock
        # In elapsed time.
        self._asked_at: dict[str, float] = {}
        # The markets of the last answer, and when it was asked for.
        self._answered: dict[str, Ticker | None] = {}
        self._answer_at: float | None = None
        self._asking = asyncio.Lock()

    async def ask(self, symbol: str) -> Sequence[Ticker]:
        async with self._asking:
            now = self._clock.elapsed()
            self._asked_at[symbol] = now
            is_old = self._answer_at is None or now - self._answer_at >= POLL_SECONDS
            if is_old or symbol not in self._answered:
                await self._ask_all(now)
            ticker = self._answered[symbol]
        return () if ticker is None else (ticker,)

    async def _ask_all(self, now: float) -> None:
        self._asked_at = {
            symbol: at
            for symbol, at in self._asked_at.items()
            if now - at < _FORGOTTEN_AFTER_SECONDS
        }
        tickers = await self._data.many_tickers(list(self._asked_at))
        self._answered = {symbol: tickers.get(symbol) for symbol in self._asked_at}
        self._answer_at = now
