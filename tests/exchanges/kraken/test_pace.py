"""Kraken counts by a counter that decays: comparisons leave room in it for what orders ask."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from decimal import Decimal

import pytest

from app.domain.orders.order import OrderStatus
from app.primitives.priorities import Priority, asking_at
from tests.exchanges.conftest import START
from tests.support.clock import ManualClock
from tests.support.exchanges.at.kraken import KrakenRig, trading
from tests.support.exchanges.rigs import a_limit, key_of
from tests.support.venues.kraken.api.limits import STARTER
from tests.support.venues.serving.requests import RequestKind

# ccxt's own pace for Kraken, in milliseconds.
RATE_LIMIT = 1000
PRICE = Decimal(40_000)
_TURNS = 40
_STEP_SECONDS = 0.05


@pytest.fixture
async def desk() -> AsyncIterator[KrakenRig]:
    async with trading(ManualClock(START), rate_limit=RATE_LIMIT) as rig:
        rig.venue.limits.tier = STARTER
        yield rig


async def pass_time(desk: KrakenRig, seconds: float) -> None:
    """Let time pass in small steps, with enough turns in each for a request and its answer."""
    for _ in range(round(seconds / _STEP_SECONDS)):
        for _ in range(_TURNS):
            await asyncio.sleep(0)
        await desk.clock.advance(_STEP_SECONDS)


async def finished(desk: KrakenRig, task: "asyncio.Task[None]", *, within_seconds: float) -> None:
    started = desk.clock.elapsed()
    while not task.done():
        await pass_time(desk, _STEP_SECONDS)
        assert desk.clock.elapsed() - started < within_seconds
    await task


async def compare_without_end(desk: KrakenRig) -> None:
    """Rounds as greedy as can be: the next begins when the last has been answered."""
    while True:
        with asking_at(Priority.COMPARISON):
            await desk.gateway.open_orders()
            await desk.gateway.closed_orders(START - timedelta(hours=1), ["BTC/USDT"])
            await desk.gateway.balances()


async def trade(desk: KrakenRig) -> None:
    """An order with the questions before and after it."""
    intent = a_limit(PRICE, amount=Decimal("0.01"))
    with asking_at(Priority.ORDER):
        await desk.gateway.tickers(["BTC/USDT"])
        await desk.gateway.balances()
        report = await desk.gateway.submit(intent)
        assert report.status is OrderStatus.OPEN
        assert await desk.gateway.find(key_of(intent, report.exchange_order_id)) is not None
        await desk.gateway.balances()


async def test_no_order_is_refused_for_what_comparisons_have_spent(desk: KrakenRig) -> None:
    comparing = asyncio.create_task(compare_without_end(desk))
    await pass_time(desk, 60)
    for _ in range(6):
        await finished(desk, asyncio.create_task(trade(desk)), within_seconds=5)
        await pass_time(desk, 5)
    assert not comparing.done()
    comparing.cancel()
    await asyncio.wait([comparing])
    assert len(desk.venue.orders(desk.account)) == 6
    assert not desk.venue.limits.refused
    assert desk.venue.desk.signatures.refused_nonces == 0


async def test_a_halt_cancels_all_at_once_after_comparisons(desk: KrakenRig) -> None:
    intents = [a_limit(PRICE, amount=Decimal("0.01")) for _ in range(6)]
    for each in intents:
        await desk.gateway.submit(each)
    comparing = asyncio.create_task(compare_without_end(desk))
    await pass_time(desk, 30)
    canceling = [asyncio.create_task(desk.gateway.cancel(key_of(each))) for each in intents]
    await pass_time(desk, 2)
    assert desk.venue.journal.count(RequestKind.CANCEL_ORDER) == 6
    assert not desk.venue.limits.refused
    for task in (comparing, *canceling):
        task.cancel()
    await asyncio.wait([comparing, *canceling])


async def test_public_requests_spend_nothing_of_the_keys_counter(desk: KrakenRig) -> None:
    queue = desk.gateway._session._queue
    assert queue is not None
    before = queue.budget.spent
    with asking_at(Priority.ORDER):
        await desk.gateway.tickers(["BTC/USDT"])
    assert queue.budget.spent == before
