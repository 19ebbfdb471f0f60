"""The local Coinbase, an account on it, and the genuine ccxt client."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import ccxt.pro
import pytest

from tests.support.clock import ManualClock
from tests.support.venues.coinbase.running import running_venue
from tests.support.venues.coinbase.venue import Venue
from tests.support.venues.engine.accounts import Account

UNHURRIED = {
    "timeout_on_exit": 0,
    "enableRateLimit": False,
    "options": {
        "fetchTime": "v3PublicGetBrokerageTime",
        "fetchBalance": "v3PrivateGetBrokerageAccounts",
    },
}
Connect = Callable[..., Awaitable[ccxt.pro.coinbase]]


@pytest.fixture
async def venue(clock: ManualClock) -> AsyncIterator[Venue]:
    async with running_venue(clock) as venue:
        yield venue
        venue.assert_books_balance()


@pytest.fixture
def account(venue: Venue) -> Account:
    return venue.open_account("main", USDT=100_000, BTC=2, ETH=10)


@pytest.fixture
async def connect(venue: Venue) -> AsyncIterator[Connect]:
    """Clients that know the markets and sign by the tests' clock."""
    async with AsyncExitStack() as stack:

        async def connect(account: Account | None, **terms: Any) -> ccxt.pro.coinbase:
            client = ccxt.pro.coinbase({**venue.ccxt_config(account), **UNHURRIED, **terms})
            client.seconds = lambda: client.milliseconds() // 1000
            stack.push_async_callback(client.close)
            keyless = ccxt.pro.coinbase({**venue.ccxt_config(None), **UNHURRIED})
            stack.push_async_callback(keyless.close)
            client.set_markets(await keyless.fetch_markets())
            return client

        yield connect


@pytest.fixture
async def client(connect: Connect, account: Account) -> ccxt.pro.coinbase:
    return await connect(account)
