"""An account at the local Coinbase, with the adapter connected to it."""

from collections.abc import AsyncIterator

import pytest

from tests.exchanges.conftest import START
from tests.support.clock import ManualClock
from tests.support.exchanges.at.coinbase import CoinbaseRig, trading
from tests.support.exchanges.desks import WATCHDOG_SECONDS


@pytest.fixture
async def desk() -> AsyncIterator[CoinbaseRig]:
    async with trading(ManualClock(START), watchdog_seconds=WATCHDOG_SECONDS) as rig:
        yield rig
        rig.venue.journal.assert_nothing_was_sent_twice()
