"""Fetches many prices in parallel, with a limit and a deadline."""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial

from app.domain.markets.markets import Ticker
from app.services.accounts import AccountEntry
from app.services.markets.market_data import MarketDataService
from app.services.reads import Answers

SIDE_BY_SIDE = 64
DEADLINE_SECONDS = 2.0


@dataclass(frozen=True, kw_only=True, slots=True)
class PriceAnswers:
    """The tickers that came in time, and for the other symbols why not."""

    tickers: Mapping[str, Ticker] = field(default_factory=dict)
    missing: Mapping[str, str] = field(default_factory=dict)


async def fetch_prices(
    market_data: MarketDataService, account: AccountEntry, symbols: Iterable[str], answers: Answers
) -> PriceAnswers:
    """Fetch each price on its own, so that none delays another; reuse the view's answers."""
    wanted, slots = tuple(dict.fromkeys(symbols)), asyncio.Semaphore(SIDE_BY_SIDE)
    market_set = account.gateway.market_set

    async def ask(symbol: str) -> Ticker | str:
        async with slots:
            answer = await market_data.prices(account, [symbol], deadline_seconds=DEADLINE_SECONDS)
        return answer[symbol]

    async def fetch(symbol: str) -> Ticker | str:
        return await answers.get(("price", market_set, symbol), partial(ask, symbol))

    prices = dict(zip(wanted, await asyncio.gather(*map(fetch, wanted)), strict=True))
    return PriceAnswers(
        tickers={symbol: price for symbol, price in prices.items() if isinstance(price, Ticker)},
        missing={symbol: why for symbol, why in prices.items() if isinstance(why, str)},
    )
