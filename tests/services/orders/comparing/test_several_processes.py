"""Two processes on one database: one that starts leaves alone what the other is sending."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest
from sqlalchemy import text

from app.bus import Bus
from app.domain.orders.filters import OrderFilter
from app.domain.orders.order import Order, OrderStatus
from app.exchanges.paper.faults import Faults
from app.runtime import Parts, open_runtime
from app.services import Services
from app.settings import Settings
from app.storage.database import Database
from tests.support.callers import begin_elsewhere
from tests.support.clock import ManualClock
from tests.support.makers import make_request

POSTGRESQL = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
_END_THOSE_SEEN = text(
    "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'"
    " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
)
PAPER = frozenset({"paper"})


@pytest.fixture
async def stack() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as stack:
        yield stack


async def only_order(services: Services) -> Order:
    async with services.views.open(PAPER) as view:
        [order] = await view.matching(OrderFilter(accounts=PAPER))
    return order


@POSTGRESQL
async def test_an_order_that_another_process_still_sends_is_not_doubted(
    settings: Settings, clock: ManualClock, stack: AsyncExitStack
) -> None:
    slow = Faults(delay_before_seconds=5)
    first = Parts(clock=clock, faults={"paper": slow})
    one = await stack.enter_async_context(open_runtime(settings, first))
    placing = begin_elsewhere(one.orders.place(make_request()))
    await clock.until_asleep()
    while not await _is_stored(one):
        await clock.advance(0)
    other = await stack.enter_async_context(open_runtime(settings, Parts(clock=clock)))
    assert (await only_order(other)).status is OrderStatus.SUBMITTING
    await clock.advance(6)
    placed = await placing
    assert placed.order.status is OrderStatus.FILLED
    assert placed.order.revision == (await only_order(other)).revision


async def _is_stored(services: Services) -> bool:
    async with services.views.open(PAPER) as view:
        return bool(await view.matching(OrderFilter(accounts=PAPER)))


@POSTGRESQL
async def test_once_the_other_has_gone_its_order_is_doubted_at_once(
    settings: Settings, clock: ManualClock
) -> None:
    slow = Faults(delay_before_seconds=5)
    first = Parts(clock=clock, faults={"paper": slow})
    async with open_runtime(settings, first) as one:
        placing = begin_elsewhere(one.orders.place(make_request()))
        while not await _is_stored(one):
            await clock.advance(0)
        # As a killed process leaves it: nothing of the order is stored any more.
        await one.orders._database.presence.leave()
        async with open_runtime(settings, Parts(clock=clock)) as other:
            assert (await only_order(other)).status is OrderStatus.IN_DOUBT
        placing.cancel()
        await asyncio.gather(placing, return_exceptions=True)


@POSTGRESQL
async def test_who_starts_waits_for_one_that_is_starting(database_url: str) -> None:
    one, other = Database(database_url, Bus()), Database(database_url, Bus())
    assert await one.presence.enter()
    entering = asyncio.create_task(other.presence.enter())
    await asyncio.sleep(0.2)
    assert not entering.done()
    await one.presence.let_in()
    assert not await entering
    await one.close()
    await other.close()


@POSTGRESQL
async def test_a_process_whose_connection_broke_is_seen_again(database_url: str) -> None:
    one, other = Database(database_url, Bus()), Database(database_url, Bus())
    assert await one.presence.enter()
    await one.presence.let_in()
    async with other.migrating() as connection:
        await connection.execute(_END_THOSE_SEEN)
    await one.presence.check()
    assert not await other.presence.enter()
    await other.presence.leave()
    # As after a look that failed, because the database was away.
    await one.presence.leave()
    await one.presence.check()
    assert not await other.presence.enter()
    await one.close()
    await other.close()
