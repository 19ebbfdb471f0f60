"""Tickers on request: live, just answered, or the last known ones."""

import asyncio
from collections.abc import AsyncIterator
from decimal import Decimal

import pytest

from app.domain.markets.candles import CandleRequest
from app.domain.markets.markets import Ticker
from app.errors import Denied, ExchangeUnavailable
from tests.support.clock import ManualClock
from tests.support.services.feeds import Feeding, feeding, reading

BTC, ETH = "BTC/USDT", "ETH/USDT"


@pytest.fixture
async def world(clock: ManualClock) -> AsyncIterator[Feeding]:
    async with feeding(clock) as world:
        yield world


async def last(world: Feeding) -> tuple[Decimal | None, bool]:
    ticker = await world.service.ticker(world.account, BTC)
    assert ticker is not None
    return ticker.last, ticker.is_stale


async def test_many_who_ask_at_once_are_told_one_answer(world: Feeding) -> None:
    world.source.gate = asyncio.Event()
    asking = [asyncio.create_task(last(world)) for _ in range(100)]
    await asyncio.sleep(0)
    asking.pop(0).cancel()
    world.source.gate.set()
    assert set(await asyncio.gather(*asking)) == {(Decimal(100), False)}
    assert world.source.asked["tickers"] <= 2


async def test_an_answer_is_good_for_a_moment_only(world: Feeding) -> None:
    await last(world)
    world.source.last = Decimal(101)
    assert await last(world) == (Decimal(100), False)
    await world.clock.advance(0.25)
    assert await last(world) == (Decimal(101), False)


async def test_what_is_watched_is_not_asked_for(world: Feeding) -> None:
    async with reading(await world.service.ticker_updates(world.account, [BTC])) as told:
        await world.source.send(BTC, world.source.ticker(last=107))
        await world.until_received(told, 2)
        await world.clock.advance(5)
        assert await last(world) == (Decimal(107), False)
        assert world.source.asked["tickers"] == 1
        await world.service.tickers(world.account, [ETH, BTC])
        assert world.source.asked["tickers"] == 2


async def test_the_last_price_is_told_as_stale_where_none_can_be_had(world: Feeding) -> None:
    await last(world)
    await world.clock.advance(1)
    world.source.is_cut_off = True
    assert await last(world) == (Decimal(100), True)
    with pytest.raises(ExchangeUnavailable):
        await world.service.ticker(world.account, ETH)


async def test_nothing_is_told_of_an_exchange_that_was_never_reached(world: Feeding) -> None:
    world.source.is_cut_off = True
    with pytest.raises(ExchangeUnavailable):
        await last(world)


async def test_an_exchange_that_does_not_answer_is_not_waited_for_longer(world: Feeding) -> None:
    world.source.gate = asyncio.Event()
    asking = asyncio.create_task(last(world))
    await world.clock.until_asleep(1)
    await world.clock.advance(10)
    with pytest.raises(ExchangeUnavailable, match="in time"):
        await asking


async def test_prices_are_read_side_by_side_and_each_says_why_it_is_missing(
    world: Feeding,
) -> None:
    found = await world.service.prices(world.account, [BTC, "GONE/USDT"], deadline_seconds=1)
    assert isinstance(found[BTC], Ticker)
    assert found["GONE/USDT"] == "the exchange tells no price of it"
    assert world.source.asked["tickers"] == 1


async def test_prices_are_told_by_the_deadline_as_far_as_they_are_known(world: Feeding) -> None:
    await last(world)
    await world.clock.advance(1)
    world.source.gate = asyncio.Event()
    asking = asyncio.create_task(
        world.service.prices(world.account, [BTC, ETH], deadline_seconds=2)
    )
    await asyncio.sleep(0)
    await world.clock.advance(2)
    found = await asking
    known = found[BTC]
    assert isinstance(known, Ticker)
    assert (known.last, known.is_stale) == (Decimal(100), True)
    assert found[ETH] == "the exchange did not tell its price within 2 s"


async def test_prices_of_an_exchange_that_is_cut_off_say_so(world: Feeding) -> None:
    world.source.is_cut_off = True
    assert await world.service.prices(world.account, [BTC], deadline_seconds=2) == {
        BTC: "it is cut off"
    }


@pytest.mark.parametrize("depth", [0, -1, 101])
async def test_a_book_is_not_asked_for_deeper_than_it_is_served(world: Feeding, depth: int) -> None:
    with pytest.raises(Denied, match="1 to 100"):
        await world.service.order_book(world.account, BTC, depth)
    assert world.source.asked["book"] == 0


async def test_candles_asked_for_alike_are_asked_once(world: Feeding) -> None:
    asked = CandleRequest(symbol=BTC, timeframe="1m", limit=5)
    for _ in range(3):
        await world.service.candles(world.account, asked)
    assert world.source.asked["candles"] == 1
