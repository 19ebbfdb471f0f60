"""Live positions and portfolios whose prices come from a stream only."""

import asyncio
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import TypeVar

import pytest

from app.bus import Bus
from app.services.markets.shared_stream import GRACE_SECONDS
from app.services.portfolio.positions import PositionFilter
from app.storage.database import Database
from tests.support.clock import ManualClock
from tests.support.services.desks import ACCOUNT, PortfolioRig, StreamedDesk
from tests.support.services.feeds import PATIENCE_SECONDS, Updates, reading

BTC, ETH = "BTC/USDT", "ETH/USDT"
PAUSE_SECONDS = 0.2
MOVES = 1000
T = TypeVar("T")


@pytest.fixture
async def house(database: Database, bus: Bus, clock: ManualClock) -> AsyncIterator[PortfolioRig]:
    house = await PortfolioRig(database, bus, clock, StreamedDesk).open()
    house.desk.prices[ETH] = "3000"
    await house.trade("0.1", "50000")
    running = asyncio.create_task(house.feeds.run())
    yield house
    running.cancel()
    await asyncio.wait([running])


def move(house: PortfolioRig, symbol: str, price: str) -> None:
    assert isinstance(house.desk, StreamedDesk)
    house.desk.move(symbol, price)


async def listens(house: PortfolioRig, *symbols: str) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while set(house.desk.streams) != set(symbols):  # noqa: ASYNC110 - nothing tells of it
            await asyncio.sleep(0)


async def comes(told: Updates[T], count: int) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while len(told) < count:  # noqa: ASYNC110 - nothing tells of it
            await asyncio.sleep(0)


async def a_thousand_moves(house: PortfolioRig, told: Updates[T]) -> None:
    """A thousand price moves in one second, each to another price."""
    for number in range(MOVES):
        move(house, BTC, str(50001 + number))
        if number % 10 == 9:
            await house.clock.advance(10 / MOVES)
        if number % 200 == 199:
            # Leaves the query all the time that its evaluation takes.
            await comes(told, 2 + number // 200)


async def test_a_thousand_moves_in_a_second_are_five_lists_of_positions_and_the_last_is_the_last(
    house: PortfolioRig, clock: ManualClock
) -> None:
    follow = await house.position_feed.follow(frozenset({ACCOUNT}), PositionFilter())
    async with reading(follow) as told:
        await listens(house, BTC)
        await a_thousand_moves(house, told)
        assert len(told) == 1 + 5
        await clock.advance(PAUSE_SECONDS)
        assert told[-1] == await house.read_positions()
        assert told[-1].nodes[0].unrealized == Decimal(100)
        marks = [one.nodes[0].mark for one in told]
        assert marks == sorted(marks, key=lambda mark: mark.price if mark else 0)


async def test_a_thousand_moves_in_a_second_are_five_portfolios_and_the_last_is_the_last(
    house: PortfolioRig, clock: ManualClock
) -> None:
    async with reading(await house.feed.follow(house.account, None)) as told:
        await listens(house, BTC)
        await a_thousand_moves(house, told)
        assert len(told) == 1 + 5
        await clock.advance(PAUSE_SECONDS)
        assert told[-1] == await house.read()
        assert told[-1].unrealized == Decimal(100)


async def test_where_a_stream_tells_the_price_nobody_asks_for_it(
    house: PortfolioRig, clock: ManualClock
) -> None:
    follow = await house.position_feed.follow(frozenset({ACCOUNT}), PositionFilter())
    async with reading(follow) as told, reading(await house.feed.follow(house.account, None)):
        await listens(house, BTC)
        asked = house.desk.prices_asked, house.desk.balances_asked
        for number in range(8):
            move(house, BTC, str(50001 + number))
            await clock.advance(1)
            await comes(told, number + 2)
        assert (house.desk.prices_asked, house.desk.balances_asked) == asked


async def test_what_is_bought_is_listened_to_and_what_is_sold_is_not_for_long(
    house: PortfolioRig, clock: ManualClock
) -> None:
    follow = await house.position_feed.follow(frozenset({ACCOUNT}), PositionFilter())
    async with reading(follow) as told:
        await listens(house, BTC)
        await house.trade("1", "3000", symbol=ETH)
        await clock.advance(PAUSE_SECONDS)
        await listens(house, BTC, ETH)
        move(house, ETH, "3001")
        await clock.advance(PAUSE_SECONDS)
        assert told[-1].nodes[1].unrealized == Decimal(1)
        await house.trade("-0.1", "50000")
        await clock.advance(PAUSE_SECONDS)
        await clock.advance(GRACE_SECONDS)
        await listens(house, ETH)
    await clock.advance(GRACE_SECONDS)
    await listens(house)


async def test_where_the_stream_is_mute_prices_are_asked_for(
    house: PortfolioRig, clock: ManualClock
) -> None:
    async with reading(await house.feed.follow(house.account, None)) as told:
        await listens(house, BTC)
        house.desk.prices[BTC] = "51000"
        await clock.advance(1)
        assert told[-1].unrealized == Decimal(100)
