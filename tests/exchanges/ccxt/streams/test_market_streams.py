"""Streams of prices over the genuine ccxt: told, cut, silent, missing, and left again."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import AsyncExitStack, aclosing
from decimal import Decimal
from typing import TypeVar

import pytest

from app.domain.markets.candles import CandleRequest
from app.domain.markets.markets import Ticker
from app.errors import ExchangeUnavailable
from app.exchanges.ccxt.streams.ticker_polls import POLL_SECONDS
from tests.exchanges.conftest import START
from tests.support.clock import ManualClock
from tests.support.exchanges.at.binance import BinanceRig, trading
from tests.support.exchanges.mirrored import paper_at_binance
from tests.support.venues.engine.tape import Quote
from tests.support.venues.serving import faults
from tests.support.venues.serving.requests import RequestKind

BTC = "BTC/USDT"
T = TypeVar("T")


@pytest.fixture
async def rig() -> AsyncIterator[BinanceRig]:
    async with trading(ManualClock(START)) as rig:
        yield rig


def topics(rig: BinanceRig) -> list[str]:
    return sorted(name for one in rig.venue.market_streams.sockets.open for name in one.topics)


async def until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not is_so():  # noqa: ASYNC110 - nothing tells of it
            await asyncio.sleep(0.0005)


async def next_of(stream: AsyncGenerator[T, None]) -> T:
    async with asyncio.timeout(5):
        return await anext(stream)


async def test_a_ticker_tells_bid_ask_and_change_and_is_left_in_the_end(rig: BinanceRig) -> None:
    async with aclosing(rig.gateway.watch_ticker(BTC)) as stream:
        first = await next_of(stream)
        assert (first.bid, first.ask) == (Decimal("49999.99"), Decimal(50000))
        assert topics(rig) == ["btcusdt@ticker"]
        rig.venue.move("BTCUSDT", 51_000)
        second = await next_of(stream)
        assert (second.last, second.percentage) == (Decimal(51000), Decimal(2))
        assert first.last == Decimal(50000)
    await until(lambda: topics(rig) == [])


async def test_what_was_left_can_be_watched_again(rig: BinanceRig) -> None:
    for price in (50_000, 50_001, 50_002):
        rig.venue.move("BTCUSDT", price)
        streams: list[AsyncGenerator[object, None]] = [
            rig.gateway.watch_ticker(BTC),
            rig.gateway.watch_candles(BTC, "1m"),
            rig.gateway.watch_order_book(BTC),
        ]
        for stream in streams:
            await next_of(stream)
        assert len(topics(rig)) == 3
        for stream in streams:
            await stream.aclose()
        await until(lambda: topics(rig) == [])
    sockets = rig.gateway._session.client.clients.values()
    assert not any(socket.rejections for socket in sockets)


async def test_every_move_is_heard_also_where_many_come_at_once(rig: BinanceRig) -> None:
    async with aclosing(rig.gateway.watch_ticker(BTC)) as stream:
        await next_of(stream)
        for price in range(50_001, 50_101):
            rig.venue.move("BTCUSDT", price)
        while (await next_of(stream)).last != Decimal(50_100):
            pass


async def test_a_book_is_told_to_the_last_digit(rig: BinanceRig) -> None:
    async with aclosing(rig.gateway.watch_order_book(BTC)) as stream:
        book = await next_of(stream)
        assert book.asks[0].price == Decimal(50000)
        quote = Quote(bid=Decimal("0.1"), ask=Decimal("50000.03"), ask_amount=Decimal("0.00000007"))
        rig.venue.quote("BTCUSDT", quote, last="50000.03")
        while (book := await next_of(stream)).asks[0].price != Decimal("50000.03"):
            pass
        assert book.asks[0].amount == Decimal("0.00000007")
        assert topics(rig) == ["btcusdt@depth@100ms"]
    await until(lambda: topics(rig) == [])


async def test_a_candle_grows_to_the_last_digit(rig: BinanceRig) -> None:
    async with aclosing(rig.gateway.watch_candles(BTC, "1m")) as stream:
        await next_of(stream)
        rig.venue.move("BTCUSDT", "50000.07", amount="0.1")
        candle = await next_of(stream)
        assert (candle.close, candle.volume) == (Decimal("50000.07"), Decimal("1.1"))
        assert (candle.at, candle.is_closed) == (START, False)
    await until(lambda: topics(rig) == [])


async def test_a_cut_is_told_and_the_stream_can_be_opened_again(rig: BinanceRig) -> None:
    async with aclosing(rig.gateway.watch_ticker(BTC)) as stream:
        await next_of(stream)
        rig.venue.market_streams.sockets.cut()
        with pytest.raises(Exception, match="1006"):
            await next_of(stream)
    rig.venue.move("BTCUSDT", 52_000)
    async with aclosing(rig.gateway.watch_ticker(BTC)) as stream:
        assert (await next_of(stream)).last == Decimal(52_000)


async def test_a_socket_that_falls_silent_is_dropped_without_keys_too() -> None:
    async with paper_at_binance(ManualClock(START)) as paper:
        stream = paper.gateway.watch_ticker(BTC)
        await next_of(stream)
        paper.venue.market_streams.sockets.fall_silent()
        waiting = asyncio.ensure_future(next_of(stream))
        for _ in range(12):
            await paper.clock.advance(3.75)
        with pytest.raises(ExchangeUnavailable, match="closed"):
            await waiting
        async with aclosing(paper.gateway.watch_ticker(BTC)) as again:
            assert (await next_of(again)).last == Decimal(50_000)


async def test_where_there_is_no_stream_the_exchange_is_asked_again_and_again(
    rig: BinanceRig,
) -> None:
    rig.gateway._session.client.has.update(
        {"watchTicker": False, "watchOHLCV": False, "watchOrderBook": False}
    )
    assert not rig.gateway.capabilities.streaming_tickers
    for stream, kind in (
        (rig.gateway.watch_ticker(BTC), RequestKind.TICKER),
        (rig.gateway.watch_candles(BTC, "1m"), RequestKind.KLINES),
        (rig.gateway.watch_order_book(BTC), RequestKind.DEPTH),
    ):
        before = rig.venue.journal.count(kind)
        async with aclosing(stream):
            await next_of(stream)
            waiting = asyncio.ensure_future(next_of(stream))
            await rig.clock.advance(POLL_SECONDS)
            await waiting
        assert rig.venue.journal.count(kind) == before + 2
    assert topics(rig) == []


async def test_markets_without_streams_are_asked_for_together(rig: BinanceRig) -> None:
    rig.gateway._session.client.has["watchTicker"] = False
    symbols = (BTC, "ETH/USDT", "BNB/USDT")
    async with AsyncExitStack() as stack:
        streams = [
            await stack.enter_async_context(aclosing(rig.gateway.watch_ticker(symbol)))
            for symbol in symbols
        ]
        for stream in streams:
            await next_of(stream)
        before = rig.venue.journal.count(RequestKind.TICKER)
        for _ in range(5):
            waiting = [asyncio.ensure_future(next_of(stream)) for stream in streams]
            await rig.clock.advance(POLL_SECONDS)
            assert [ticker.symbol for ticker in await asyncio.gather(*waiting)] == list(symbols)
        assert rig.venue.journal.count(RequestKind.TICKER) == before + 5


async def test_a_stream_that_cannot_be_asked_for_says_why(rig: BinanceRig) -> None:
    rig.gateway._session.client.has["watchTicker"] = False
    rig.venue.faults.on(RequestKind.TICKER, faults.CUT, times=None)
    with pytest.raises(Exception, match="no answer from the exchange"):
        await next_of(rig.gateway.watch_ticker(BTC))


async def test_a_paper_account_streams_tickers_where_its_exchange_does() -> None:
    async with paper_at_binance(ManualClock(START)) as paper:
        assert paper.gateway.capabilities.streaming_tickers
        paper.source._session.client.has["watchTicker"] = False
        assert not paper.gateway.capabilities.streaming_tickers


async def test_one_who_leaves_does_not_end_what_another_watches(rig: BinanceRig) -> None:
    streams: list[AsyncGenerator[Ticker, None]] = [
        rig.gateway.watch_ticker(symbol) for symbol in (BTC, "ETH/USDT")
    ]
    for stream in streams:
        await next_of(stream)
    await streams[0].aclose()
    await until(lambda: topics(rig) == ["ethusdt@ticker"])
    rig.venue.move("ETHUSDT", 3_000)
    assert (await next_of(streams[1])).last == Decimal(3_000)
    await streams[1].aclose()


async def test_more_candles_than_one_answer_holds_are_asked_for_in_several(
    rig: BinanceRig,
) -> None:
    tape = rig.venue.matching.tapes["BTCUSDT"]
    [first] = tape._prints
    object.__setattr__(first, "at", first.at - 30 * 60_000)
    rig.gateway._session.client.features["spot"]["fetchOHLCV"]["limit"] = 7
    asked = CandleRequest(symbol=BTC, timeframe="1m", limit=20)
    candles = await rig.gateway.candles(asked)
    assert len(candles) == 20
    assert candles[-1].at == START
    assert len({one.at for one in candles}) == 20
    assert rig.venue.journal.count(RequestKind.KLINES) == 3
