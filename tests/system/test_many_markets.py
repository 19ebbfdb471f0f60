"""A real account in 200 markets, at the exchange's own weights and the default limits."""

import asyncio
from pathlib import Path

import pytest

from app.primitives.priorities import Priority
from tests.conftest import on_each_database
from tests.support.exchanges.wide import (
    Timings,
    buy,
    comparing,
    percentile,
    trade,
    trading_widely,
)

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

MARKETS = 200
HELD = 150
WEIGHT_LIMIT = 6000
# The goals are 100 and 50 ms beside an exchange that answers in 1 ms. Here the exchange runs in the
# same process and other tests on the same cores, so the times have room; what waits in our queue
# does not depend on them.
ORDER_MILLISECONDS = 1000
CANCEL_MILLISECONDS = 1000
QUEUED_MILLISECONDS = 10


@on_each_database
async def test_orders_do_not_wait_for_comparisons(database_url: str, tmp_path: Path) -> None:
    async with trading_widely(tmp_path, database_url, markets=MARKETS, held=HELD) as wide:
        async with comparing(wide):
            timings = await trade(wide, seconds=20, pause_seconds=0.05)
        assert timings.refused == []
        assert len(timings.cancels) > 20
        assert wide.waited_milliseconds(Priority.ORDER) < QUEUED_MILLISECONDS
        assert wide.waited_milliseconds(Priority.CANCEL) < QUEUED_MILLISECONDS
        assert percentile(timings.orders, 0.99) < ORDER_MILLISECONDS
        assert percentile(timings.cancels, 0.99) < CANCEL_MILLISECONDS
        assert wide.venue.limits.refused == 0
        assert wide.venue.limits.heaviest_minute <= WEIGHT_LIMIT
    wide.venue.assert_books_balance()


async def test_buying_in_150_markets_at_once_stays_within_the_minute(
    sqlite_url: str, tmp_path: Path
) -> None:
    async with trading_widely(tmp_path, sqlite_url, markets=MARKETS, held=0) as wide:
        timings = Timings()
        async with comparing(wide):
            for start in range(0, HELD, 10):
                await asyncio.gather(
                    *(
                        buy(wide, timings, wide.symbols[number], f"buy-{number}")
                        for number in range(start, start + 10)
                    )
                )
            await asyncio.sleep(60)
        assert timings.refused == []
        assert len(timings.orders) == HELD
        assert wide.venue.limits.refused == 0
        assert wide.venue.limits.heaviest_minute <= WEIGHT_LIMIT


async def test_an_idle_account_with_150_coins_is_cheap(sqlite_url: str, tmp_path: Path) -> None:
    async with trading_widely(tmp_path, sqlite_url, markets=MARKETS, held=HELD) as wide:
        await asyncio.sleep(20)
        before = wide.weight
        await asyncio.sleep(60)
        assert wide.weight - before <= 600
