"""Many prices at once: asked for side by side, with a limit and a deadline."""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from app.domain.markets import Ticker
from app.errors import ExchangeError
from app.ports import Clock
from app.services.accounts import AccountEntry

SIDE_BY_SIDE = 64
DEADLINE_SECONDS = 2.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Prices:
    """What was answered in time, and why the others were not."""

    tickers: Mapping[str, Ticker] = field(default_factory=dict)
    missing: Mapping[str, str] = field(default_factory=dict)


async def fetch_prices(account: AccountEntry, symbols: Iterable[str], clock: Clock) -> Prices:
    """One that fails or never answers holds up no other."""
    tickers: dict[str, Ticker] = {}
    missing = dict.fromkeys(symbols, "it was not answered in time")
    lane = asyncio.Semaphore(SIDE_BY_SIDE)

    async def fetch(symbol: str) -> None:
        async with lane:
            try:
                found = await account.gateway.tickers([symbol])
            except ExchangeError as error:
                missing[symbol] = str(error)
                return
        if symbol in found:
            tickers[symbol] = found[symbol]
            del missing[symbol]
        else:
            missing[symbol] = "the exchange does not list it any more"

    try:
        async with clock.timeout(DEADLINE_SECONDS), asyncio.TaskGroup() as tasks:
            for symbol in list(missing):
                tasks.create_task(fetch(symbol))
    except TimeoutError:
        pass
    return Prices(tickers=tickers, missing=missing)
