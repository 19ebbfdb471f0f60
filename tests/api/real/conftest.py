from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from tests.api.real.real_trading import Site, Trading, traded
from tests.support.clock import ManualClock
from tests.support.venues.binance.running import running_venue
from tests.support.venues.binance.venue import Venue


@pytest.fixture
async def venue(clock: ManualClock) -> AsyncIterator[Venue]:
    async with running_venue(clock) as venue:
        yield venue


Open = Callable[..., Awaitable[Trading]]


@pytest.fixture
async def open_trading(
    venue: Venue, sqlite_url: str, tmp_path: Path, clock: ManualClock
) -> AsyncIterator[Open]:
    """Serves with the account `main` at the exchange, and further settings."""
    site = Site(venue=venue, database_url=sqlite_url, folder=tmp_path, clock=clock)
    account = venue.open_account("main", USDT=100_000, BTC=2)
    async with AsyncExitStack() as stack:

        async def open_trading(**settings: str) -> Trading:
            return await stack.enter_async_context(traded(site, account, **settings))

        yield open_trading


@pytest.fixture
async def trading(open_trading: Open) -> Trading:
    """Connected, compared, and ready for orders."""
    trading = await open_trading()
    await trading.until_in_step()
    return trading
