"""Kraken's numbers of requests must grow: one private request is on its way, cancels first."""

import asyncio
from collections.abc import Coroutine
from decimal import Decimal
from typing import Any

import pytest

from app.domain.orders.order import OrderStatus
from app.domain.orders.reports import OrderIntent
from app.errors import ExchangeUnavailable
from app.exchanges.ccxt.connection.numbered_requests import LONGEST_TURN_SECONDS
from tests.exchanges.conftest import START
from tests.support.clock import ManualClock
from tests.support.exchanges.at.kraken import KrakenRig, trading
from tests.support.exchanges.rigs import a_limit, key_of
from tests.support.venues.serving import faults
from tests.support.venues.serving.requests import RequestKind

PRICE = Decimal(40_000)
COUNT = 16


def intents() -> list[OrderIntent]:
    return [a_limit(PRICE, amount=Decimal("0.01")) for _ in range(COUNT)]


async def at_once(desk: KrakenRig, kind: RequestKind, *calls: Coroutine[Any, Any, Any]) -> Any:
    """Make the calls at once; the later a request was sent, the sooner it would be handled."""
    for number in range(COUNT):
        late = faults.delay(desk.clock, (COUNT - number) / 1000)
        desk.venue.faults.on(kind, late)
    tasks = [asyncio.create_task(call) for call in calls]
    async with asyncio.timeout(30):
        while not all(task.done() for task in tasks):
            await asyncio.sleep(0.002)
            await desk.clock.advance(0.001)
    return [task.result() for task in tasks]


async def test_orders_that_are_placed_at_once_do_not_overtake_each_other(desk: KrakenRig) -> None:
    placed = await at_once(
        desk, RequestKind.CREATE_ORDER, *(desk.gateway.submit(each) for each in intents())
    )
    assert {report.status for report in placed} == {OrderStatus.OPEN}
    assert len(desk.venue.orders(desk.account)) == COUNT
    assert desk.venue.desk.signatures.refused_nonces == 0


async def test_cancels_at_once_do_not_overtake_each_other(desk: KrakenRig) -> None:
    waiting = intents()
    for each in waiting:
        await desk.gateway.submit(each)
    canceled = await at_once(
        desk, RequestKind.CANCEL_ORDER, *(desk.gateway.cancel(key_of(each)) for each in waiting)
    )
    assert {report.status for report in canceled} == {OrderStatus.CANCELED}
    assert desk.venue.desk.signatures.refused_nonces == 0


async def test_a_cancel_goes_before_everything_that_waits(desk: KrakenRig) -> None:
    intent = intents()[0]
    await desk.gateway.submit(intent)
    desk.venue.faults.on(RequestKind.ACCOUNT, faults.delay(desk.clock, 0.1))
    asked = len(desk.venue.journal)
    waiting = [asyncio.create_task(desk.gateway.balances()) for _ in range(5)]
    await desk.venue.journal.until(RequestKind.ACCOUNT, 2)
    canceling = asyncio.create_task(desk.gateway.cancel(key_of(intent)))
    await desk.clock.advance(0.1)
    async with asyncio.timeout(10):
        await asyncio.gather(canceling, *waiting)
    kinds = [entry.kind for entry in desk.venue.journal._entries[asked:]]
    assert kinds[:2] == [RequestKind.ACCOUNT, RequestKind.CANCEL_ORDER]


async def test_an_answer_that_does_not_come_holds_up_a_cancel_for_one_turn_only(
    desk: KrakenRig,
) -> None:
    intent = intents()[0]
    await desk.gateway.submit(intent)
    desk.venue.faults.on(RequestKind.ACCOUNT, faults.SILENCE)
    silent = asyncio.create_task(desk.gateway.balances())
    await desk.venue.journal.until(RequestKind.ACCOUNT, 2)
    canceling = asyncio.create_task(desk.gateway.cancel(key_of(intent)))
    await desk.clock.advance(LONGEST_TURN_SECONDS * 0.9)
    assert desk.venue.journal.count(RequestKind.CANCEL_ORDER) == 0
    await desk.clock.advance(LONGEST_TURN_SECONDS * 0.1)
    async with asyncio.timeout(5):
        report = await canceling
    assert report is not None
    assert report.status is OrderStatus.CANCELED
    silent.cancel()
    await asyncio.wait([silent])


async def test_public_requests_are_not_held_up(desk: KrakenRig) -> None:
    desk.venue.faults.on(RequestKind.ACCOUNT, faults.SILENCE)
    silent = asyncio.create_task(desk.gateway.balances())
    await desk.venue.journal.until(RequestKind.ACCOUNT, 2)
    async with asyncio.timeout(5):
        assert await desk.gateway.tickers(["BTC/USDT"])
    assert not silent.done()
    silent.cancel()
    await asyncio.wait([silent])


async def test_an_order_whose_turn_does_not_come_in_time_was_surely_not_sent() -> None:
    async with trading(ManualClock(START), timeout_seconds=1.0) as desk:
        desk.venue.faults.on(RequestKind.ACCOUNT, faults.SILENCE)
        silent = asyncio.create_task(desk.gateway.balances())
        await desk.venue.journal.until(RequestKind.ACCOUNT, 2)
        intent = intents()[0]
        placing = asyncio.create_task(desk.gateway.submit(intent))
        await desk.clock.advance(0.5)
        with pytest.raises(ExchangeUnavailable, match="nothing was sent"):
            await placing
        assert desk.venue.journal.sent_orders() == []
        silent.cancel()
        await asyncio.wait([silent])
        assert (await desk.gateway.submit(intent)).status is OrderStatus.OPEN
