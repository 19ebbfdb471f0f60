"""The local KuCoin, an account on it, and the genuine ccxt client."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import ccxt.pro
import pytest

from tests.support.clock import ManualClock
from tests.support.venues.engine.accounts import Account
from tests.support.venues.kucoin.venue import Venue
from tests.support.venues.serving.running import running

UNHURRIED = {"timeout_on_exit": 0, "enableRateLimit": False, "verify": False}
OPTIONS = {"hf": True, "uta": False, "fetchMarkets": {"types": ["spot"]}}
Connect = Callable[..., Awaitable[ccxt.pro.kucoin]]


@pytest.fixture
async def venue(clock: ManualClock) -> AsyncIterator[Venue]:
    async with running(Venue(clock)) as venue:
        yield venue
        venue.assert_books_balance()


@pytest.fixture
def account(venue: Venue) -> Account:
    return venue.open_account("main", USDT=100_000, BTC=2, ETH=10, BNB=5)


@pytest.fixture
async def connect(venue: Venue) -> AsyncIterator[Connect]:
    """Clients that know the markets; further terms go into their constructor."""
    async with AsyncExitStack() as stack:

        async def connect(account: Account | None, **terms: Any) -> ccxt.pro.kucoin:
            config = {**venue.ccxt_config(account), **UNHURRIED, "options": OPTIONS, **terms}
            client = ccxt.pro.kucoin(config)
            stack.push_async_callback(client.close)
            client.set_markets(await client.fetch_markets())
            return client

        yield connect


@pytest.fixture
async def client(connect: Connect, account: Account) -> ccxt.pro.kucoin:
    return await connect(account)
