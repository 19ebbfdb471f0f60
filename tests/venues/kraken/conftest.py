"""The local Kraken, an account on it, and the genuine ccxt client."""

from collections.abc import AsyncIterator

import ccxt.pro
import pytest

from tests.support.clock import ManualClock
from tests.support.venues.engine.accounts import Account
from tests.support.venues.kraken.running import running_venue
from tests.support.venues.kraken.venue import Venue

UNHURRIED = {"timeout_on_exit": 0, "enableRateLimit": False, "verify": False}


@pytest.fixture
async def venue(clock: ManualClock) -> AsyncIterator[Venue]:
    async with running_venue(clock) as venue:
        yield venue
        venue.assert_books_balance()


@pytest.fixture
def account(venue: Venue) -> Account:
    return venue.open_account("main", USDT=100_000, BTC=2)


@pytest.fixture
async def client(venue: Venue, account: Account) -> AsyncIterator[ccxt.pro.kraken]:
    client = ccxt.pro.kraken({**venue.ccxt_config(account), **UNHURRIED})
    await client.load_markets()
    yield client
    await client.close()
