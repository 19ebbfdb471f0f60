"""The channels of a market (ticker, order book, candles) and how each is opened and reopened."""

from collections.abc import AsyncGenerator, Callable, Hashable
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

from app.domain.markets.candles import MAX_CANDLES, Candle, CandleRequest
from app.domain.markets.markets import Ticker
from app.domain.markets.order_books import MAX_DEPTH, OrderBook
from app.ports import MarketSource

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True, slots=True)
class ChannelKey:
    """Names a channel; equal keys share one stream."""

    market_set: str
    kind: str
    symbol: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Channel(Generic[T]):
    """A market stream that several readers can share."""

    key: ChannelKey
    # Gets the last value if it was open before, and then starts with what was missed since.
    open: Callable[[MarketSource, T | None], AsyncGenerator[T, None]]
    # What a value is about; a reader gets only the newest value of a topic.
    topic: Callable[[T], Hashable]
    # The same value, marked as stale.
    aged: Callable[[T], T] = lambda value: value


def ticker_channel(market_set: str, symbol: str) -> Channel[Ticker]:
    async def opened(source: MarketSource, before: Ticker | None) -> AsyncGenerator[Ticker, None]:
        if before is not None:
            for ticker in (await source.tickers([symbol])).values():
                yield ticker
        async with aclosing(source.watch_ticker(symbol)) as stream:
            async for ticker in stream:
                yield ticker

    return Channel(
        key=ChannelKey(market_set=market_set, kind="ticker", symbol=symbol),
        open=opened,
        topic=lambda ticker: ticker.symbol,
        aged=lambda ticker: replace(ticker, is_stale=True),
    )


def book_channel(market_set: str, symbol: str) -> Channel[OrderBook]:
    async def opened(
        source: MarketSource, before: OrderBook | None
    ) -> AsyncGenerator[OrderBook, None]:
        if before is not None:
            yield await source.order_book(symbol, MAX_DEPTH)
        async with aclosing(source.watch_order_book(symbol)) as stream:
            async for book in stream:
                yield book

    return Channel(
        key=ChannelKey(market_set=market_set, kind="book", symbol=symbol),
        open=opened,
        topic=lambda _: symbol,
    )


def candle_channel(market_set: str, symbol: str, timeframe: str) -> Channel[Candle]:
    async def opened(source: MarketSource, before: Candle | None) -> AsyncGenerator[Candle, None]:
        last = before
        if before is not None:
            missed = CandleRequest(
                symbol=symbol, timeframe=timeframe, limit=MAX_CANDLES, since=before.at
            )
            for candle in await source.candles(missed):
                last = candle
                yield candle
        async with aclosing(source.watch_candles(symbol, timeframe)) as stream:
            async for candle in _with_ends(stream, last):
                yield candle

    return Channel(
        key=ChannelKey(market_set=market_set, kind=f"candles {timeframe}", symbol=symbol),
        open=opened,
        topic=lambda candle: candle.at,
    )


async def _with_ends(
    candles: AsyncGenerator[Candle, None], last: Candle | None
) -> AsyncGenerator[Candle, None]:
    """Yield each candle as closed before the next one begins; skip older ones."""
    async for candle in candles:
        if last is not None and candle.at < last.at:
            continue
        if last is not None and last.at < candle.at and not last.is_closed:
            yield replace(last, is_closed=True)
        last = candle
        yield candle
