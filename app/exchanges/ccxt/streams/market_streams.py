"""MarketStreams: live tickers, candles and order books from ccxt's streams, or by polling."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from contextlib import aclosing
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Generic, TypeVar

import structlog

from app.domain.markets.candles import Candle, CandleRequest, span_of
from app.domain.markets.markets import Ticker
from app.domain.markets.order_books import MAX_DEPTH, OrderBook
from app.errors import ExchangeUnavailable
from app.exchanges.ccxt.connection.sessions import CLOSE_SECONDS, CcxtSession
from app.exchanges.ccxt.parsing.failures import failure_of_read
from app.exchanges.ccxt.rest.market_data import MarketData
from app.exchanges.ccxt.streams.ticker_polls import POLL_SECONDS, TickerPolls
from app.ports import Clock

T = TypeVar("T")

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class MarketStream(Generic[T]):
    """One ccxt stream: its method, arguments and parser, and the request to poll instead."""

    # The name as in ccxt's methods (watch_ticker), and as in its `has` (watchTicker).
    name: str
    title: str
    arguments: tuple[Any, ...]
    watch_arguments: tuple[Any, ...] = ()
    unwatch_arguments: tuple[Any, ...] = ()
    read: Callable[[Any], Iterable[T]]
    ask: Callable[[], Awaitable[Iterable[T]]]

    def is_streamed(self, client: Any) -> bool:
        return client.has.get(f"watch{self.title}") is True

    async def watch(self, client: Any) -> Any:
        method = getattr(client, f"watch_{self.name}")
        return await method(*self.arguments, *self.watch_arguments)

    async def unwatch(self, client: Any) -> None:
        if client.has.get(f"unWatch{self.title}") is True:
            method = getattr(client, f"un_watch_{self.name}")
            await method(*self.arguments, *self.unwatch_arguments)


class MarketStreams:
    """Opens a new upstream at each call, so the caller must share it among its readers."""

    def __init__(self, data: MarketData, session: CcxtSession, clock: Clock) -> None:
        self._data = data
        self._session = session
        self._clock = clock
        self._polls = TickerPolls(data, clock)

    def ticker(self, symbol: str) -> AsyncGenerator[Ticker, None]:
        params = dict(self._session.quirks.ticker_params)

        channel = MarketStream(
            name="ticker",
            title="Ticker",
            arguments=(symbol, params),
            read=partial(self._tickers_in, symbol),
            ask=partial(self._polls.ask, symbol),
        )
        return self._values(channel)

    def candles(self, symbol: str, timeframe: str) -> AsyncGenerator[Candle, None]:
        span = span_of(timeframe)
        assert span is not None  # noqa: S101 - others are not offered
        latest = CandleRequest(symbol=symbol, timeframe=timeframe, limit=2)
        channel = MarketStream(
            name="ohlcv",
            title="OHLCV",
            arguments=(symbol, timeframe),
            read=partial(self._data.candles_in, span=span),
            ask=partial(self._data.candles, latest),
        )
        return self._values(channel)

    def order_book(self, symbol: str) -> AsyncGenerator[OrderBook, None]:
        depth = self._session.quirks.book_depth

        async def ask() -> Iterable[OrderBook]:
            return [await self._data.order_book(symbol, MAX_DEPTH)]

        channel = MarketStream(
            name="order_book",
            title="OrderBook",
            arguments=(symbol,),
            watch_arguments=(depth,),
            unwatch_arguments=() if depth is None else ({"limit": depth},),
            read=self._books_in,
            ask=ask,
        )
        return self._values(channel)

    async def _values(self, channel: MarketStream[T]) -> AsyncGenerator[T, None]:
        self._session.require()
        await self._clock.sleep(self._session.banned_seconds)
        client = self._session.client
        is_streamed = channel.is_streamed(client)
        source = self._streamed(channel, client) if is_streamed else self._polled(channel)
        async with aclosing(source) as values:
            async for value in values:
                yield value

    async def _polled(self, channel: MarketStream[T]) -> AsyncGenerator[T, None]:
        while True:
            for value in await channel.ask():
                yield value
            await self._clock.sleep(POLL_SECONDS)

    async def _streamed(self, channel: MarketStream[T], client: Any) -> AsyncGenerator[T, None]:
        unread: asyncio.Queue[T | None] = asyncio.Queue()
        listener = asyncio.create_task(_listen(channel, client, unread))
        listener.add_done_callback(lambda _: unread.put_nowait(None))
        try:
            while (value := await unread.get()) is not None:
                yield value
            raise _failure_of(listener)
        finally:
            listener.cancel()
            # Its failure was raised above, or the reader is gone and does not care.
            await asyncio.gather(listener, return_exceptions=True)
            await self._leave(channel, client)

    async def _leave(self, channel: MarketStream[T], client: Any) -> None:
        try:
            async with self._clock.timeout(CLOSE_SECONDS):
                await channel.unwatch(client)
        except Exception as error:  # noqa: BLE001 - nobody reads the stream any more
            _log.info("stream.not_left", stream=channel.name, why=repr(error))

    def _tickers_in(self, symbol: str, row: Any) -> Iterable[Ticker]:
        ticker = self._data.ticker_in(row)
        # Markets that share an order book are streamed by the name of one of them.
        return () if ticker is None else (replace(ticker, symbol=symbol),)

    def _books_in(self, row: Any) -> Iterable[OrderBook]:
        # ccxt has sorted the levels; parsing the deeper ones ten times a second is not worth it.
        near = {side: row[side][:MAX_DEPTH] for side in ("bids", "asks")}
        return (self._data.book_in({**near, "timestamp": row.get("timestamp")}, MAX_DEPTH),)


async def _listen(channel: MarketStream[T], client: Any, unread: "asyncio.Queue[T | None]") -> None:
    """Parse each message at once, because ccxt keeps its rows and changes them later."""
    while True:
        for value in channel.read(await channel.watch(client)):
            unread.put_nowait(value)


def _failure_of(listener: asyncio.Task[None]) -> Exception:
    # ccxt cancels the tasks that wait on a socket when it is closed.
    if listener.cancelled():
        return ExchangeUnavailable("its socket was closed")
    error = listener.exception()
    return failure_of_read(error) if isinstance(error, Exception) else ExchangeUnavailable("ended")
