"""The registry of market streams: one shared stream, also after breaks and silence."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from app.domain.accounts import Connectivity
from app.services.markets.shared_stream import GRACE_SECONDS, SILENCE_SECONDS
from tests.support.clock import ManualClock
from tests.support.services.feeds import Feeding, feeding, next_of, reading

BTC, ETH = "BTC/USDT", "ETH/USDT"


@pytest.fixture
async def world(clock: ManualClock) -> AsyncIterator[Feeding]:
    async with feeding(clock) as world:
        yield world


async def test_a_thousand_who_watch_one_symbol_cost_one_stream(world: Feeding) -> None:
    async with AsyncExitStack() as stack:
        watching = [
            await stack.enter_async_context(
                reading(await world.service.ticker_updates(world.account, [BTC]))
            )
            for _ in range(1000)
        ]
        await world.until_open(BTC)
        await world.until(lambda: all(watching))
        await world.source.send(BTC, world.source.ticker(last=101))
        await world.until(lambda: all(len(told) == 2 for told in watching))
        assert {one.last for told in watching for one in told[1:]} == {Decimal(101)}
        assert world.source.opened == {BTC: 1}
        assert world.source.asked == {"tickers": 1}


async def test_the_first_is_told_at_once_how_it_is(world: Feeding) -> None:
    told = await world.service.ticker_updates(world.account, [BTC, ETH])
    assert [(await next_of(told)).symbol for _ in range(2)] == [BTC, ETH]
    await told.aclose()


async def test_whoever_comes_later_is_told_what_the_stream_said_last(world: Feeding) -> None:
    async with reading(await world.service.ticker_updates(world.account, [BTC])) as first:
        await world.source.send(BTC, world.source.ticker(last=105))
        await world.until_received(first, 2)
        later = await world.service.ticker_updates(world.account, [BTC])
        assert (await next_of(later)).last == Decimal(105)
        await later.aclose()
    assert world.source.asked["tickers"] == 1


async def test_a_slow_reader_is_told_the_newest_of_each_symbol_and_no_more(world: Feeding) -> None:
    slow = await world.service.ticker_updates(world.account, [BTC, ETH])
    assert (await next_of(slow)).symbol == BTC
    async with reading(await world.service.ticker_updates(world.account, [BTC, ETH])) as quick:
        await world.source.send(ETH, world.source.ticker(ETH, 201))
        for last in range(201, 301):
            await world.source.send(BTC, world.source.ticker(BTC, last))
        await world.until_received(quick, 103)
    rest = [await next_of(slow), await next_of(slow)]
    assert {(one.symbol, one.last) for one in rest} == {(BTC, Decimal(300)), (ETH, Decimal(201))}
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await anext(slow)


async def test_what_has_not_changed_is_not_told_again(world: Feeding) -> None:
    async with reading(await world.service.ticker_updates(world.account, [BTC])) as told:
        await world.source.send(BTC, world.source.ticker(last=100))
        await world.source.send(BTC, world.source.ticker(last=101))
        await world.until_received(told, 2)
        assert [one.last for one in told] == [Decimal(100), Decimal(101)]


async def test_a_stream_lasts_until_some_time_after_the_last_has_left(world: Feeding) -> None:
    async with reading(await world.service.ticker_updates(world.account, [BTC])):
        await world.until_open(BTC)
    await world.clock.advance(GRACE_SECONDS - 1)
    assert BTC in world.source.open
    await world.clock.advance(1)
    assert BTC not in world.source.open
    assert len(world.feeds) == 0


async def test_whoever_comes_back_in_time_finds_the_same_stream(world: Feeding) -> None:
    async with reading(await world.service.ticker_updates(world.account, [BTC])):
        await world.until_open(BTC)
    await world.clock.advance(GRACE_SECONDS - 1)
    async with reading(await world.service.ticker_updates(world.account, [BTC])):
        await world.clock.advance(GRACE_SECONDS * 2)
        assert world.source.opened[BTC] == 1
        assert BTC in world.source.open


async def test_a_stream_that_was_given_up_is_opened_again(world: Feeding) -> None:
    for times in (1, 2):
        async with reading(await world.service.ticker_updates(world.account, [BTC])):
            await world.until_open(BTC, times)
        await world.clock.advance(GRACE_SECONDS)
    assert world.source.opened[BTC] == 2


async def test_silence_is_told_once_as_stale_and_the_stream_is_opened_anew(world: Feeding) -> None:
    async with reading(await world.service.ticker_updates(world.account, [BTC])) as told:
        await world.until_open(BTC)
        await world.clock.advance(SILENCE_SECONDS - 1)
        assert [one.is_stale for one in told] == [False]
        world.source.is_cut_off = True
        await world.clock.advance(60)
        assert [one.is_stale for one in told] == [False, True]
        world.source.is_cut_off = False
        await world.clock.advance(5)
        assert [one.is_stale for one in told] == [False, True, False]


async def test_a_silent_stream_is_made_up_for_by_asking(world: Feeding) -> None:
    async with reading(await world.service.ticker_updates(world.account, [BTC])) as told:
        await world.until_open(BTC)
        world.source.last = Decimal(120)
        await world.clock.advance(SILENCE_SECONDS + 1)
        assert [(one.last, one.is_stale) for one in told] == [
            (Decimal(100), False), (Decimal(100), True), (Decimal(120), False),
        ]  # fmt: skip
        assert world.source.opened[BTC] == 2


async def test_a_broken_stream_is_opened_again_later_each_time(world: Feeding) -> None:
    async with reading(await world.service.ticker_updates(world.account, [BTC])) as told:
        await world.until_open(BTC)
        world.source.last = Decimal(110)
        await world.source.send(BTC, ConnectionError("cut"))
        await world.clock.advance(0.5)
        assert [one.last for one in told] == [Decimal(100), Decimal(110)]
        for pause in (1, 2, 4):
            await world.source.send(BTC, ConnectionError("cut"))
            await world.clock.advance(pause - 0.1)
            assert BTC not in world.source.open
            await world.clock.advance(0.2)
            assert BTC in world.source.open
        assert world.source.opened[BTC] == 5
    breaks = world.metrics.registry.get_sample_value(
        "orderdeck_price_stream_breaks_total", {"kind": "ticker"}
    )
    assert breaks == 4


async def test_one_who_leaves_takes_nothing_from_the_others(world: Feeding) -> None:
    async with reading(await world.service.ticker_updates(world.account, [BTC])) as stays:
        async with reading(await world.service.ticker_updates(world.account, [BTC])):
            await world.until_open(BTC)
        await world.source.send(BTC, world.source.ticker(last=130))
        await world.until_received(stays, 2)
    assert world.source.opened[BTC] == 1


async def test_a_market_that_several_accounts_see_is_watched_where_it_can_be(
    clock: ManualClock,
) -> None:
    async with feeding(clock, sources=2) as world:
        cut_off, reached = world.sources
        told = await world.service.ticker_updates(world.account, [BTC])
        cut_off.state = Connectivity.DISCONNECTED
        async with reading(told):
            await reached.send(BTC, reached.ticker(last=7))
            assert cut_off.opened[BTC] == 0


async def test_a_candle_is_told_as_closed_before_the_next_one_begins(world: Feeding) -> None:
    async with reading(await world.service.candle_updates(world.account, BTC, "1m")) as told:
        await world.until_open("BTC/USDT 1m")
        running = world.source.candle(close=2)
        next_one = replace(running, at=running.at + timedelta(minutes=1))
        said = (running, next_one, running, replace(next_one, close=Decimal(3)))
        for candle, count in zip(said, (2, 4, 4, 5), strict=True):
            await world.source.send("BTC/USDT 1m", candle)
            await world.until_received(told, count)
        assert [(one.at == running.at, one.is_closed, int(one.close)) for one in told] == [
            (True, False, 1), (True, False, 2), (True, True, 2), (False, False, 2),
            (False, False, 3),
        ]  # fmt: skip


async def test_candles_that_were_missed_are_asked_for(world: Feeding) -> None:
    async with reading(await world.service.candle_updates(world.account, BTC, "1m")) as told:
        await world.until_open("BTC/USDT 1m")
        first = world.source.candle(close=1)
        await world.source.send("BTC/USDT 1m", ConnectionError("cut"))
        await world.clock.advance(1)
        await world.source.send("BTC/USDT 1m", replace(first, close=Decimal(9)))
        await world.until_received(told, 2)
        assert world.source.asked["candles"] == 2
        assert told[-1].close == Decimal(9)


async def test_a_book_is_told_as_deep_as_was_asked_for(world: Feeding) -> None:
    async with AsyncExitStack() as stack:
        for depth in (1, 20):
            book = await world.service.order_book_updates(world.account, BTC, depth)
            told = await stack.enter_async_context(reading(book))
            await world.until_received(told, 1)
            assert len(told[0].bids) == len(told[0].asks) == depth
        await world.until_open("BTC/USDT book")
        assert world.source.opened == {"BTC/USDT book": 1}


@pytest.mark.parametrize("step", [3600.0, -3600.0])
async def test_a_step_of_the_wall_clock_makes_no_stream_silent_and_hides_no_silence(
    world: Feeding, step: float
) -> None:
    async with reading(await world.service.ticker_updates(world.account, [BTC])) as told:
        await world.until_open(BTC)
        world.source.is_cut_off = True
        world.clock.step(wall=step)
        await world.clock.advance(SILENCE_SECONDS - 2)
        assert [one.is_stale for one in told] == [False]
        await world.clock.advance(4)
        assert [one.is_stale for one in told] == [False, True]
