"""Candles of the simulated market: every tick counts, and hardly any is looked at."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.domain import money
from app.domain.markets.candles import Candle, CandleRequest
from app.errors import ExchangeUnavailable
from app.exchanges.paper.price_sources.simulated import SimulatedSource
from app.exchanges.paper.prices.candles import BEGINNING, CandleProcess
from app.exchanges.paper.prices.extremes import Extremes
from app.exchanges.paper.prices.listings import LISTINGS, Listing
from app.exchanges.paper.prices.price_path import PriceProcess, tick_of, time_of
from tests.exchanges.conftest import START
from tests.support.clock import ManualClock
from tests.support.exchanges.memory_ledger import MemoryLedger
from tests.support.exchanges.rigs import SYMBOL, TERMS, PaperRig
from tests.support.services.feeds import reading

BTC, ETH, SOL, _ = LISTINGS
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
PRICES = PriceProcess(7)
CANDLES = CandleProcess(7, PRICES)


def a_request(**changes: object) -> CandleRequest:
    values = {"symbol": SYMBOL, "timeframe": "1m", "limit": 5} | changes
    return CandleRequest(**values)  # type: ignore[arg-type]


@settings(max_examples=12)
@given(
    listing=st.sampled_from(LISTINGS),
    seed=st.integers(0, 1000),
    start=st.integers(0, 2**33),
    length=st.integers(1, 700),
)
def test_the_highest_and_the_lowest_of_all_ticks_are_found(
    listing: Listing, seed: int, start: int, length: int
) -> None:
    prices = PriceProcess(seed)
    highest, lowest = Extremes(prices.waves(listing)).candidates(start, start + length)
    every = [prices.last(listing, tick) for tick in range(start, start + length)]
    assert max(prices.last(listing, tick) for tick in highest) == max(every)
    assert min(prices.last(listing, tick) for tick in lowest) == min(every)


@settings(max_examples=30)
@given(seed=st.integers(0, 1000), number=st.integers(0, 2**20), size=st.sampled_from([4, 16, 64]))
def test_no_tick_of_a_block_lies_outside_of_its_bounds(seed: int, number: int, size: int) -> None:
    extremes = Extremes(PriceProcess(seed).waves(ETH))
    start = number * size
    [(low, high)] = extremes._bounds(start, size, 1)
    ticks = [extremes._bounds(tick, 1, 1)[0][0] for tick in range(start, start + size)]
    assert low <= min(ticks) <= max(ticks) <= high


def test_a_candle_is_what_its_ticks_were() -> None:
    first, last = tick_of(START), tick_of(START + MINUTE)
    every = [PRICES.last(ETH, tick) for tick in range(first, last)]
    candle = CANDLES.candle(ETH, MINUTE, START, START + MINUTE)
    told = (candle.open, candle.high, candle.low, candle.close)
    assert told == (every[0], max(every), min(every), every[-1])
    assert candle.is_closed
    assert candle.volume > 0


def test_long_candles_are_what_the_short_ones_in_them_are() -> None:
    whole = CANDLES.candle(SOL, HOUR, START, START + HOUR)
    parts = [
        CANDLES.candle(SOL, 5 * MINUTE, START + number * 5 * MINUTE, START + HOUR)
        for number in range(12)
    ]
    assert whole == summed(parts)


def summed(parts: Sequence[Candle]) -> Candle:
    return Candle(
        at=parts[0].at,
        open=parts[0].open,
        high=max(one.high for one in parts),
        low=min(one.low for one in parts),
        close=parts[-1].close,
        volume=money.total(one.volume for one in parts),
        is_closed=True,
    )


def test_a_candle_that_runs_grows_to_the_one_that_is_closed() -> None:
    now = START + 10 * (time_of(1) - time_of(0))
    candle = CANDLES.candle(BTC, MINUTE, START, now)
    assert not candle.is_closed
    volumes = [candle.volume]
    for tick in range(tick_of(now), tick_of(START + MINUTE) - 1):
        candle = CANDLES.grown(BTC, candle, tick, tick + 1)
        volumes.append(candle.volume)
    closed = CANDLES.candle(BTC, MINUTE, START, START + MINUTE)
    assert volumes == sorted(volumes)
    assert (candle.open, candle.high, candle.low, candle.close, candle.volume) == (
        closed.open, closed.high, closed.low, closed.close, closed.volume,
    )  # fmt: skip


def test_a_day_is_told_without_a_look_at_each_of_its_ticks() -> None:
    extremes = Extremes(PRICES.waves(BTC))
    first = tick_of(datetime(2025, 3, 1, tzinfo=UTC))
    highest, lowest = extremes.candidates(first, first + DAY // (time_of(1) - time_of(0)))
    assert len(extremes._opened) < 500
    assert len(highest) + len(lowest) < 20


def test_a_candle_that_is_closed_is_worked_out_once() -> None:
    process = CandleProcess(7, PRICES)
    one = process.candle(BTC, DAY, BEGINNING, START)
    assert process.candle(BTC, DAY, BEGINNING, START) is one


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(START + timedelta(seconds=30))


@pytest.fixture
def floor(clock: ManualClock) -> SimulatedSource:
    return SimulatedSource(TERMS, clock)


async def test_the_latest_candles_end_with_the_one_that_runs(floor: SimulatedSource) -> None:
    candles = await floor.candles(a_request(limit=3))
    assert [one.at for one in candles] == [START - 2 * MINUTE, START - MINUTE, START]
    assert [one.is_closed for one in candles] == [True, True, False]


async def test_there_are_no_candles_before_the_beginning(floor: SimulatedSource) -> None:
    long_ago = datetime(1999, 1, 1, tzinfo=UTC)
    candles = await floor.candles(a_request(timeframe="1d", since=long_ago, limit=2))
    assert [one.at for one in candles] == [BEGINNING, BEGINNING + DAY]


async def test_others_have_their_turn_between_two_candles(floor: SimulatedSource) -> None:
    asking = asyncio.create_task(floor.candles(a_request(limit=20)))
    turns = 0
    while not asking.done():
        await asyncio.sleep(0)
        turns += 1
    assert turns > 200


async def test_the_next_candle_begins_when_one_has_ended(
    floor: SimulatedSource, clock: ManualClock
) -> None:
    async with reading(floor.watch_candles(SYMBOL, "1m")) as told:
        await clock.advance(30.5)
    [closed] = [one for one in told if one.is_closed]
    assert closed == (await floor.candles(a_request(limit=2)))[0]
    assert [one.at for one in told[-2:]] == [START + MINUTE] * 2
    assert told[-1] == (await floor.candles(a_request(limit=1)))[0]
    assert len(told) > 120


async def test_a_sleep_of_hours_is_made_up_for_at_once(
    floor: SimulatedSource, clock: ManualClock
) -> None:
    stream = floor.watch_candles(SYMBOL, "1d")
    await anext(stream)
    clock.step(wall=5 * HOUR.total_seconds())
    looked = floor._simulated._prices.last.cache_info().misses
    waiting = asyncio.ensure_future(anext(stream))
    await clock.advance(0.25)
    assert await waiting == (await floor.candles(a_request(timeframe="1d", limit=1)))[0]
    assert floor._simulated._prices.last.cache_info().misses - looked < 20
    await stream.aclose()


async def test_a_stream_breaks_where_the_exchange_cannot_be_reached(clock: ManualClock) -> None:
    rig = PaperRig(MemoryLedger(), clock)
    for stream in (
        rig.gateway.watch_ticker(SYMBOL),
        rig.gateway.watch_candles(SYMBOL, "1m"),
        rig.gateway.watch_order_book(SYMBOL),
    ):
        rig.faults.is_disconnected = True
        with pytest.raises(ExchangeUnavailable):
            await anext(stream)
    rig.faults.is_disconnected = False
    ticker = rig.gateway.watch_ticker(SYMBOL)
    waiting = asyncio.ensure_future(anext(ticker))
    await clock.advance(0.25)
    await waiting
    rig.faults.is_disconnected = True
    waiting = asyncio.ensure_future(anext(ticker))
    await clock.advance(0.25)
    with pytest.raises(ExchangeUnavailable):
        await waiting


@pytest.mark.parametrize("depth", [1, 20, 100])
async def test_a_book_is_no_deeper_than_fifty_levels(floor: SimulatedSource, depth: int) -> None:
    book = await floor.order_book(SYMBOL, depth)
    assert len(book.bids) == len(book.asks) == min(depth, 50)
    ticker = (await floor.tickers([SYMBOL]))[SYMBOL]
    assert (book.bids[0].price, book.asks[0].price) == (ticker.bid, ticker.ask)
    assert book.bids[0].amount > Decimal(0)
