"""What every source of market data must do, the paper exchange and the genuine ccxt alike."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing
from dataclasses import replace
from datetime import timedelta
from typing import TypeVar

import pytest

from app.domain.markets.candles import Candle, CandleRequest
from app.domain.markets.order_books import BookLevel
from tests.exchanges.conftest import START
from tests.support.clock import ManualClock
from tests.support.exchanges.memory_ledger import MemoryLedger
from tests.support.exchanges.mirrored import MirroredRig
from tests.support.exchanges.rigs import SYMBOL, GatewayRig, PaperRig
from tests.support.exchanges.venue_rigs import VenueRig, trading_at
from tests.support.venues.every_venue import VENUES
from tests.support.venues.serving.local_venue import LocalVenue

T = TypeVar("T")
MINUTE = timedelta(minutes=1)
# Shortly before a candle ends.
LATE = START + timedelta(seconds=55)


@pytest.fixture(params=["simulated", "followed", *VENUES])
async def rig(request: pytest.FixtureRequest) -> AsyncIterator[GatewayRig]:
    clock = ManualClock(LATE)
    if request.param == "simulated":
        yield PaperRig(MemoryLedger(), clock)
    elif request.param == "followed":
        yield MirroredRig(MemoryLedger(), clock)
    else:
        async with trading_at(VENUES[request.param](clock), clock) as rig:
            have_traded_before(rig.venue)
            yield rig


def have_traded_before(venue: LocalVenue) -> None:
    """As if the market had been there for some minutes."""
    tape = venue.matching.tapes["BTCUSDT"]
    [first] = tape._prints
    tape._prints.insert(0, replace(first, at=first.at - 5 * 60_000))


def a_request(**changes: object) -> CandleRequest:
    values = {"symbol": SYMBOL, "timeframe": "1m", "limit": 5} | changes
    return CandleRequest(**values)  # type: ignore[arg-type]


def clock_of(rig: GatewayRig) -> ManualClock:
    assert isinstance(rig, VenueRig | PaperRig)
    return rig.clock


async def happen(rig: GatewayRig) -> None:
    """Let the market go on by a second, with a trade."""
    if isinstance(rig, VenueRig):
        rig.venue.move("BTCUSDT", rig.venue.matching.tapes["BTCUSDT"].last.price + 1)
    await clock_of(rig).advance(1)


async def told(rig: GatewayRig, stream: AsyncGenerator[T, None], is_it: Callable[[T], bool]) -> T:
    """The first of its news that is so, while the market goes on."""
    async with aclosing(stream), asyncio.timeout(10):
        next_one = asyncio.ensure_future(anext(stream))
        while True:
            await happen(rig)
            await asyncio.wait([next_one], timeout=0.002)
            if not next_one.done():
                continue
            if is_it(next_one.result()):
                return next_one.result()
            next_one = asyncio.ensure_future(anext(stream))


async def test_the_usual_timeframes_are_offered_the_shortest_first(rig: GatewayRig) -> None:
    offered = await rig.gateway.timeframes()
    usual = ["1m", "5m", "15m", "1h", "4h", "1d"]
    assert [one for one in offered if one in usual] == usual


@pytest.mark.parametrize(("timeframe", "minutes"), [("1m", 1), ("1h", 60), ("1d", 1440)])
async def test_the_last_candle_runs_and_those_before_it_are_closed(
    rig: GatewayRig, timeframe: str, minutes: int
) -> None:
    await happen(rig)
    candles = await rig.gateway.candles(a_request(timeframe=timeframe))
    now = clock_of(rig).now()
    assert candles
    assert [one.is_closed for one in candles] == [True] * (len(candles) - 1) + [False]
    assert candles[-1].at <= now < candles[-1].at + minutes * MINUTE
    for one in candles:
        assert one.low <= min(one.open, one.close) <= max(one.open, one.close) <= one.high


async def test_candles_since_a_time_begin_with_that_time(rig: GatewayRig) -> None:
    latest = list(await rig.gateway.candles(a_request(limit=4)))
    since = latest[1].at
    assert list(await rig.gateway.candles(a_request(since=since, limit=2))) == latest[1:3]
    behind = since + timedelta(milliseconds=1)
    assert list(await rig.gateway.candles(a_request(since=behind))) == latest[2:]


async def test_a_book_is_sorted_from_the_best_on_and_no_deeper_than_asked(rig: GatewayRig) -> None:
    for depth in (1, 5):
        book = await rig.gateway.order_book(SYMBOL, depth)
        assert len(book.bids) == len(book.asks) == depth
    assert_sorted(book.bids, book.asks)


def assert_sorted(bids: tuple[BookLevel, ...], asks: tuple[BookLevel, ...]) -> None:
    assert [one.price for one in bids] == sorted((one.price for one in bids), reverse=True)
    assert [one.price for one in asks] == sorted(one.price for one in asks)
    assert bids[0].price < asks[0].price


async def test_a_ticker_has_the_prices_and_the_volume_of_a_day(rig: GatewayRig) -> None:
    if not isinstance(rig, VenueRig):
        ticker = (await rig.gateway.tickers([SYMBOL]))[SYMBOL]
        assert ticker.open is not None
        assert ticker.percentage is not None
        return
    first = rig.venue.matching.tapes["BTCUSDT"].last.price
    for price in (first + 500, first - 500, first + 100):
        rig.venue.move("BTCUSDT", price, amount=2)
        await clock_of(rig).advance(1)
    ticker = (await rig.gateway.tickers([SYMBOL]))[SYMBOL]
    assert (ticker.high, ticker.low, ticker.last) == (first + 500, first - 500, first + 100)
    assert ticker.open == first
    assert ticker.volume is not None
    assert ticker.volume >= 6


async def test_a_ticker_is_streamed_with_bid_and_ask_where_the_exchange_streams_them(
    rig: GatewayRig,
) -> None:
    before = (await rig.gateway.tickers([SYMBOL]))[SYMBOL]
    after = await told(
        rig, rig.gateway.watch_ticker(SYMBOL), lambda ticker: ticker.last != before.last
    )
    assert after.symbol == SYMBOL
    # Bybit's stream of spot tickers has no bid and ask; its tickers on request do.
    has_quote = not (isinstance(rig, VenueRig) and rig.venue.exchange == "bybit")
    assert (after.bid is not None) is (after.ask is not None) is has_quote
    assert after.at >= before.at


async def test_a_book_is_streamed(rig: GatewayRig) -> None:
    before = await rig.gateway.order_book(SYMBOL, 1)
    after = await told(
        rig,
        rig.gateway.watch_order_book(SYMBOL),
        lambda book: book.bids[0].price != before.bids[0].price,
    )
    assert_sorted(after.bids, after.asks)


async def test_the_candle_that_runs_is_streamed_and_then_the_next(rig: GatewayRig) -> None:
    [running] = await rig.gateway.candles(a_request(limit=1))

    def has_begun(candle: Candle) -> bool:
        return candle.at == running.at + MINUTE

    after = await told(rig, rig.gateway.watch_candles(SYMBOL, "1m"), has_begun)
    assert not after.is_closed
    assert after.low <= after.close <= after.high
