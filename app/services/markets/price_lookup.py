"""Many prices at once: asked for side by side, with a limit and a deadline."""

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
    """What was answered in time, and why the others were not."""

    tickers: Mapping[str, Ticker] = field(default_factory=dict)
    missing: Mapping[str, str] = field(default_factory=dict)


async def fetch_prices(
    market_data: MarketDataService, account: AccountEntry, symbols: Iterable[str], answers: Answers
) -> PriceAnswers:
    """One that fails or never answers holds up no other; what was told already is told again."""
    wanted, lane = tuple(dict.fromkeys(symbols)), asyncio.Semaphore(SIDE_BY_SIDE)
    market_set = account.gateway.market_set

    async def ask(symbol: str) -> Ticker | str:
        async with lane:
            told = await market_data.prices(account, [symbol], deadline_seconds=DEADLINE_SECONDS)
        return told[symbol]

    async def fetch(symbol: str) -> Ticker | str:
        return await answers.get(("price", market_set, symbol), partial(ask, symbol))

    told = dict(zip(wanted, await asyncio.gather(*map(fetch, wanted)), strict=True))
    return PriceAnswers(
        tickers={symbol: one for symbol, one in told.items() if isinstance(one, Ticker)},
        missing={symbol: one for symbol, one in told.items() if isinstance(one, str)},
    )
