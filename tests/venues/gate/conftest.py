"""The local Gate, an account on it, and the genuine ccxt client."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import ccxt.pro
import pytest

from tests.support.clock import ManualClock
from tests.support.venues.engine.accounts import Account
from tests.support.venues.gate.running import running_venue
from tests.support.venues.gate.venue import Venue

UNHURRIED = {
    "timeout_on_exit": 0,
    "enableRateLimit": False,
    "verify": False,
    "has": {"fetchCurrencies": False},
}
Connect = Callable[..., Awaitable[ccxt.pro.gate]]


@pytest.fixture
async def venue(clock: ManualClock) -> AsyncIterator[Venue]:
    async with running_venue(clock) as venue:
        yield venue
        venue.assert_books_balance()


@pytest.fixture
def account(venue: Venue) -> Account:
    return venue.open_account("main", USDT=100_000, BTC=2, ETH=10, BNB=5)


@pytest.fixture
async def connect(venue: Venue) -> AsyncIterator[Connect]:
    """Clients that know the markets; further terms go into their constructor."""
    async with AsyncExitStack() as stack:

        async def connect(account: Account | None, **terms: Any) -> ccxt.pro.gate:
            client = ccxt.pro.gate({**venue.ccxt_config(account), **UNHURRIED, **terms})
            stack.push_async_callback(client.close)
            await client.load_markets()
            return client

        yield connect


@pytest.fixture
async def client(connect: Connect, account: Account) -> ccxt.pro.gate:
    return await connect(account)
