"""What tests do again and again at a local exchange: place, fill, cut the line and listen."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from decimal import Decimal
from typing import Any, TypeVar

from app.domain.orders.order import OrderStatus
from app.domain.orders.reports import OrderIntent, OrderReport
from tests.support.exchanges.rigs import a_limit, heard, key_of
from tests.support.exchanges.venue_rigs import VenueRig, subscribed
from tests.support.venues.serving.requests import RequestKind

T = TypeVar("T")
Desk = VenueRig[Any]

PRICE = Decimal(40_000)
AMOUNT = Decimal("0.1")
WATCHDOG_SECONDS = 30.0


def a_buy() -> OrderIntent:
    return a_limit(PRICE, amount=AMOUNT)


async def placed(desk: Desk) -> OrderIntent:
    intent = a_buy()
    assert (await desk.gateway.submit(intent)).status is OrderStatus.OPEN
    return intent


async def placed_and_heard(desk: Desk) -> OrderIntent:
    """An open order, after the stream has reported that it was placed."""
    news = desk.gateway.news()
    intent = await placed(desk)
    while (await heard(news)).wire_id != intent.wire_id:
        pass
    return intent


async def found(desk: Desk, intent: OrderIntent) -> OrderReport:
    report = await desk.gateway.find(key_of(intent))
    assert report is not None
    return report


async def filling(news: AsyncIterator[OrderReport], intent: OrderIntent) -> OrderReport:
    """The first report with a trade of this order."""
    while True:
        report = await heard(news)
        if report.wire_id == intent.wire_id and report.fills:
            return report


async def filled_unheard(desk: Desk, intent: OrderIntent, seconds: float) -> OrderReport:
    """Fill an order that no stream reports, and wait for the report by our own clock."""
    news = desk.gateway.news()
    desk.venue.fill(intent.wire_id)
    reporting = asyncio.create_task(filling(news, intent))
    await desk.clock.advance(seconds)
    async with asyncio.timeout(5):
        return await reporting


async def cut(desk: Desk) -> None:
    """Cut the sockets, and wait until that was noticed."""
    desk.venue.user_streams.sockets.cut()
    async with asyncio.timeout(5):
        while desk.venue.user_streams.sockets.open:  # noqa: ASYNC110
            await asyncio.sleep(0.001)
    await is_reconnecting(desk)


async def is_reconnecting(desk: Desk) -> None:
    async with asyncio.timeout(5):
        while "the stream of" not in (desk.gateway.connection.detail or ""):  # noqa: ASYNC110
            await asyncio.sleep(0.001)


async def while_time_passes(desk: Desk, waiting: Coroutine[Any, Any, T]) -> T:
    """What comes after pauses of our own, which differ between exchanges."""
    task = asyncio.create_task(waiting)
    async with asyncio.timeout(10):
        while not task.done():
            await asyncio.sleep(0.01)
            await desk.clock.advance(0.25)
    return await task


async def hears_again(desk: Desk) -> None:
    """A stream that reports an order by itself, without being asked."""
    await subscribed(desk)
    asked = desk.venue.journal.count(RequestKind.OPEN_ORDERS)
    await placed_and_heard(desk)
    assert desk.venue.journal.count(RequestKind.OPEN_ORDERS) == asked
