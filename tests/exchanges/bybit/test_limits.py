"""Bybit counts requests by the second: a burst of orders is sent at the pace that it takes."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from decimal import Decimal
from typing import Any

import pytest

from app.domain.orders.reports import OrderIntent, OrderReport
from app.exchanges.ccxt.connection.request_queue import Pace
from tests.exchanges.conftest import START
from tests.support.clock import ManualClock
from tests.support.exchanges.at.bybit import BybitRig, trading
from tests.support.exchanges.rigs import a_limit, key_of
from tests.support.venues.serving.requests import RequestKind

PRICE = Decimal(40_000)
# ccxt's own, of which an order costs 2.5: 20 a second.
SECONDS_PER_COST = 0.02


@pytest.fixture
async def desk() -> AsyncIterator[BybitRig]:
    """At the pace of a real account, and counted as there."""
    async with trading(ManualClock(START), timeout_seconds=60.0) as rig:
        session = rig.gateway._session
        assert session._queue is not None
        session._queue._pace = Pace(
            seconds_per_cost=SECONDS_PER_COST,
            urgent_burst_cost=session.quirks.urgent_burst_cost,
            order_burst_cost=session.quirks.order_burst_cost,
        )
        rig.venue.limits.is_on = True
        yield rig


async def all_at_once(
    desk: BybitRig,
    intents: list[OrderIntent],
    ask: Callable[[OrderIntent], Coroutine[Any, Any, OrderReport | None]],
) -> list[OrderReport | None]:
    """Ask for all of them at once, and let time pass until they are answered."""
    asked = asyncio.gather(*(ask(intent) for intent in intents))
    while not asked.done():
        await desk.clock.advance(0.01)
        # The requests themselves take real time.
        await asyncio.sleep(0.002)
    return await asked


async def test_a_burst_of_orders_and_then_of_cancels_is_never_refused_for_its_pace(
    desk: BybitRig,
) -> None:
    intents = [a_limit(PRICE, amount=Decimal("0.001")) for _ in range(45)]
    began = desk.clock.elapsed()
    placed = await all_at_once(desk, intents, desk.gateway.submit)
    assert all(report is not None for report in placed)
    assert desk.clock.elapsed() - began < 4.0
    canceled = await all_at_once(desk, intents, lambda intent: desk.gateway.cancel(key_of(intent)))
    assert {str(report.status) for report in canceled if report is not None} == {"CANCELED"}
    assert desk.venue.journal.count(RequestKind.CANCEL_ORDER) == 45
    assert desk.gateway.connection.is_pausing is False
