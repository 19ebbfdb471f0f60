"""Fetches many prices in parallel, with a limit and a deadline."""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from app.domain.markets.markets import Ticker
from app.services.accounts import AccountEntry
from app.services.markets.market_data import MarketDataService

SIDE_BY_SIDE = 64
DEADLINE_SECONDS = 2.0
NOT_ASKED = "it is held for a moment only, and its price was not asked for yet"


@dataclass(frozen=True, kw_only=True, slots=True)
class PriceAnswers:
    """The tickers that came in time, and for the other symbols why not."""

    tickers: Mapping[str, Ticker] = field(default_factory=dict)
    missing: Mapping[str, str] = field(default_factory=dict)

    def why_missing(self, symbol: str) -> str | None:
        """Why there is no price; None if there is one."""
        if symbol in self.tickers:
            return None
        return self.missing.get(symbol, NOT_ASKED)


async def fetch_prices(
    market_data: MarketDataService, account: AccountEntry, symbols: Iterable[str]
) -> PriceAnswers:
    """Fetch each price on its own, so that none delays another."""
    wanted, slots = tuple(dict.fromkeys(symbols)), asyncio.Semaphore(SIDE_BY_SIDE)

    async def ask(symbol: str) -> Ticker | str:
        async with slots:
            answer = await market_data.prices(account, [symbol], deadline_seconds=DEADLINE_SECONDS)
        return answer[symbol]

    prices = dict(zip(wanted, await asyncio.gather(*map(ask, wanted)), strict=True))
    return PriceAnswers(
        tickers={symbol: price for symbol, price in prices.items() if isinstance(price, Ticker)},
        missing={symbol: why for symbol, why in prices.items() if isinstance(why, str)},
    )
