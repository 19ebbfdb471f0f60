"""Live portfolios, as subscribers see them."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AsyncExitStack, aclosing
from decimal import Decimal
from functools import partial

import pytest

from app.bus import Bus
from app.errors import ExchangeUnavailable
from app.services.portfolio.portfolios import Portfolio
from app.storage.database import Database
from tests.support.clock import ManualClock
from tests.support.services.desks import PortfolioRig

Feed = AsyncGenerator[Portfolio, None]


@pytest.fixture
async def house(database: Database, bus: Bus, clock: ManualClock) -> PortfolioRig:
    house = await PortfolioRig(database, bus, clock).open()
    house.desk.held = {"USDT": "1000", "BTC": "1"}
    return house


@pytest.fixture
async def feed(house: PortfolioRig) -> AsyncIterator[Feed]:
    async with aclosing(await watching(house)) as feed:
        yield feed


async def watching(house: PortfolioRig) -> Feed:
    return await house.feed.follow(house.account, None)


async def nothing_comes(
    house: PortfolioRig, feed: Feed, seconds: float
) -> "asyncio.Task[Portfolio]":
    """Assert that nothing comes within this time; returns the task that still waits."""
    coming = asyncio.ensure_future(anext(feed))
    await house.clock.until_asleep()
    await house.clock.advance(seconds)
    assert not coming.done()
    return coming


async def after(house: PortfolioRig, feed: Feed, seconds: float) -> Portfolio:
    """The portfolio that comes within this time."""
    coming = asyncio.ensure_future(anext(feed))
    await house.clock.until_asleep()
    await house.clock.advance(seconds)
    async with asyncio.timeout(5):
        return await coming


async def test_first_comes_the_present_state_and_then_each_price(
    house: PortfolioRig, feed: Feed
) -> None:
    assert (await anext(feed)).equity == Decimal(51000)
    house.desk.prices["BTC/USDT"] = "60000"
    assert (await after(house, feed, 1)).equity == Decimal(61000)
    house.desk.prices["BTC/USDT"] = "70000"
    assert (await after(house, feed, 1)).equity == Decimal(71000)


async def test_where_nothing_changes_nothing_comes(house: PortfolioRig, feed: Feed) -> None:
    await anext(feed)
    coming = await nothing_comes(house, feed, 30)
    house.desk.prices["BTC/USDT"] = "1"
    await house.clock.advance(1)
    async with asyncio.timeout(5):
        assert (await coming).equity == Decimal(1001)


async def test_a_fill_is_not_waited_for_as_a_price_is(house: PortfolioRig, feed: Feed) -> None:
    await anext(feed)
    await house.trade("0.01", "50000")
    found = await after(house, feed, 0.2)
    assert found.cash == Decimal(1000 - 500 - 1)


async def test_a_fill_that_comes_while_balances_are_told_is_not_taken_for_a_deposit(
    house: PortfolioRig,
) -> None:
    house.desk.held = {"USDT": "1000"}
    house.desk.meanwhile = [partial(house.trade, "0.001", "49000") for _ in range(2)]
    async with aclosing(await watching(house)) as feed:
        found = await anext(feed)
    assert house.desk.balances_asked == 3
    assert found.problems == []
    assert found.unrealized == Decimal(2)


async def test_five_a_second_at_most_and_the_newest_takes_the_place_of_the_rest(
    house: PortfolioRig, feed: Feed
) -> None:
    """Given ten fills a second."""
    told = [await anext(feed)]

    async def take() -> None:
        while True:
            told.append(await anext(feed))

    taking = asyncio.create_task(take())
    for _ in range(20):
        await house.clock.until_asleep()
        await house.trade("0.001", "50000")
        await house.clock.advance(0.1)
    await house.clock.advance(1)
    taking.cancel()
    await asyncio.wait([taking])
    assert 5 <= len(told) <= 1 + 5 * 2 + 1
    assert told[-1].cash == Decimal(1000 - 20 * 51)


async def test_many_who_watch_cost_the_exchange_no_more_than_one(house: PortfolioRig) -> None:
    async with AsyncExitStack() as stack:
        feeds = [await stack.enter_async_context(aclosing(await watching(house))) for _ in range(9)]
        for feed in feeds:
            await anext(feed)
        assert (house.desk.balances_asked, house.desk.prices_asked) == (1, 1)
        house.desk.prices["BTC/USDT"] = "60000"
        coming = [asyncio.ensure_future(anext(feed)) for feed in feeds]
        await house.clock.until_asleep()
        await house.clock.advance(1)
        async with asyncio.timeout(5):
            assert {one.equity for one in await asyncio.gather(*coming)} == {Decimal(61000)}
        assert (house.desk.balances_asked, house.desk.prices_asked) == (1, 2)


async def test_an_exchange_is_not_asked_for_more_prices_than_it_can_answer(
    house: PortfolioRig,
) -> None:
    many = {f"C{number}": "1" for number in range(40)}
    house.desk.held |= many
    house.desk.prices |= {f"{asset}/USDT": "1" for asset in many}
    async with aclosing(await watching(house)) as feed:
        await anext(feed)
        asked = house.desk.prices_asked
        house.desk.prices["BTC/USDT"] = "60000"
        coming = await nothing_comes(house, feed, 2)
        assert house.desk.prices_asked == asked
        await house.clock.advance(0.1)
        async with asyncio.timeout(5):
            assert (await coming).equity == Decimal(61040)
        assert house.desk.prices_asked == asked + 1


async def test_a_deposit_is_seen_though_no_order_tells_of_it(
    house: PortfolioRig, feed: Feed
) -> None:
    await anext(feed)
    house.desk.held["USDT"] = "2000"
    assert (await after(house, feed, 11)).cash == Decimal(2000)


async def test_an_exchange_that_goes_away_is_named_once_and_comes_back(
    house: PortfolioRig, feed: Feed
) -> None:
    first = await anext(feed)
    house.desk.is_away = True
    told = await after(house, feed, 11)
    assert told.equity == first.equity
    assert [(one.subject, one.code) for one in told.problems[len(first.problems) :]] == [
        ("main", "EXCHANGE_UNAVAILABLE")
    ]
    coming = await nothing_comes(house, feed, 30)
    house.desk.is_away = False
    await house.clock.advance(1)
    async with asyncio.timeout(5):
        assert (await coming).problems == first.problems


async def test_where_there_is_no_first_state_there_is_nothing_to_watch(house: PortfolioRig) -> None:
    house.desk.is_away = True
    with pytest.raises(ExchangeUnavailable):
        await watching(house)
