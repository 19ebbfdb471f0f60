"""Prices as they are streamed."""

import asyncio
from decimal import Decimal

import ccxt.pro
import pytest

from tests.support.venues.binance.venue import Venue
from tests.support.venues.binance.watching import heard, watching
from tests.support.venues.engine.tape import Quote

TICKER = "ticker:{}@BTC/USDT"


async def test_a_ticker_is_told_at_once_and_on_every_move(
    client: ccxt.pro.binance, venue: Venue
) -> None:
    ticker = await heard(asyncio.create_task(client.watch_ticker("BTC/USDT")))
    assert (ticker["last"], ticker["bid"]) == ("50000.00000000", None)
    news = await watching(client, TICKER.format("miniTicker"), client.watch_ticker("BTC/USDT"))
    venue.move("BTCUSDT", "50100.01")
    ticker = await heard(news)
    assert (ticker["last"], ticker["high"]) == ("50100.01000000", "50100.01000000")


async def test_the_full_ticker_has_bid_and_ask(client: ccxt.pro.binance, venue: Venue) -> None:
    full = {"name": "ticker"}
    await heard(asyncio.create_task(client.watch_ticker("BTC/USDT", full)))
    news = await watching(client, TICKER.format("ticker"), client.watch_ticker("BTC/USDT", full))
    venue.move("BTCUSDT", 51_000)
    ticker = await heard(news)
    assert (ticker["bid"], ticker["ask"]) == ("50999.99000000", "51000.00000000")
    assert ticker["percentage"] == "2.000"


async def test_the_best_offers_are_told(client: ccxt.pro.binance, venue: Venue) -> None:
    await heard(asyncio.create_task(client.watch_bids_asks(["BTC/USDT"])))
    watch = client.watch_bids_asks(["BTC/USDT"])
    news = await watching(client, "bidask:bookTicker@BTC/USDT", watch)
    quote = Quote(bid=Decimal(49_000), ask=Decimal(49_010), bid_amount=Decimal("0.7"))
    venue.quote("BTCUSDT", quote, last=49_005)
    best = (await heard(news))["BTC/USDT"]
    assert (best["bid"], best["bidVolume"]) == ("49000.00000000", "0.70000000")


async def test_candles_grow_with_what_is_paid(client: ccxt.pro.binance, venue: Venue) -> None:
    await heard(asyncio.create_task(client.watch_ohlcv("BTC/USDT", "1m")))
    watch = client.watch_ohlcv("BTC/USDT", "1m")
    news = await watching(client, "ohlcv::BTC/USDT::1m", watch)
    venue.move("BTCUSDT", 50_500)
    [candle] = await heard(news)
    assert candle[1:] == [50_000, 50_500, 50_000, 50_500, 2]


async def test_a_book_follows_the_quote(client: ccxt.pro.binance, venue: Venue) -> None:
    book = await heard(asyncio.create_task(client.watch_order_book("BTC/USDT")))
    assert book["asks"][0] == [50_000, 1000]
    news = await watching(client, "orderbook::BTC/USDT", client.watch_order_book("BTC/USDT"))
    venue.move("BTCUSDT", 50_200)
    book = await heard(news)
    assert (book["bids"][0][0], book["asks"][0][0]) == (50_199.99, 50_200)
    assert len(book["bids"]) == len(book["asks"]) == 5


async def test_a_cut_is_noticed_and_the_next_watch_dials_again(
    client: ccxt.pro.binance, venue: Venue
) -> None:
    await heard(asyncio.create_task(client.watch_ticker("BTC/USDT")))
    news = await watching(client, TICKER.format("miniTicker"), client.watch_ticker("BTC/USDT"))
    venue.market_streams.sockets.cut()
    with pytest.raises(ccxt.NetworkError, match="1006"):
        await heard(news)
    venue.move("BTCUSDT", 52_000)
    ticker = await heard(asyncio.create_task(client.watch_ticker("BTC/USDT")))
    assert (ticker["last"], venue.market_streams.sockets.dials) == ("52000.00000000", 2)


async def test_a_silent_stream_is_noticed_by_nobody(client: ccxt.pro.binance, venue: Venue) -> None:
    await heard(asyncio.create_task(client.watch_ticker("BTC/USDT")))
    news = await watching(client, TICKER.format("miniTicker"), client.watch_ticker("BTC/USDT"))
    venue.market_streams.sockets.fall_silent()
    venue.move("BTCUSDT", 52_000)
    await client.fetch_time()
    await client.fetch_time()
    assert not news.done()
    news.cancel()


async def test_unwatching_ends_the_news(client: ccxt.pro.binance, venue: Venue) -> None:
    await heard(asyncio.create_task(client.watch_ticker("BTC/USDT")))
    await heard(asyncio.create_task(client.un_watch_ticker("BTC/USDT")))
    assert all(not socket.topics for socket in venue.market_streams.sockets.open)
