"""Fakes of the market data part of ExchangeGateway: one without data, one that a test feeds."""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Mapping, Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any, TypeVar

from app.domain.accounts import Capabilities, Connection, Connectivity
from app.domain.markets.candles import Candle, CandleRequest
from app.domain.markets.markets import Market, Ticker
from app.domain.markets.order_books import BookLevel, OrderBook
from app.domain.order_kinds import OrderType, PositionType, TimeInForce
from app.domain.traffic import NO_TRAFFIC
from app.errors import ExchangeUnavailable
from app.ports import Clock

T = TypeVar("T")
_TURNS = 10

CAPABILITIES = Capabilities(
    order_types=tuple(OrderType),
    time_in_force=tuple(TimeInForce),
    amend_order=True,
    streaming_orders=True,
    streaming_tickers=True,
    positions=False,
)


class NoMarketData:
    """Market data that is never available: a base for fakes that only need orders and prices."""

    market_set = "nothing"
    capabilities = CAPABILITIES
    traffic = NO_TRAFFIC

    async def tickers(self, symbols: Sequence[str]) -> Mapping[str, Ticker]:
        raise ExchangeUnavailable(f"no prices of {symbols}")

    async def last_prices(self, symbols: Sequence[str]) -> Mapping[str, Ticker]:
        return await self.tickers(symbols)

    async def order_book(self, symbol: str, depth: int) -> OrderBook:
        raise ExchangeUnavailable(f"no book of {symbol} {depth} deep")

    async def timeframes(self) -> Sequence[str]:
        return ()

    async def candles(self, asked: CandleRequest) -> Sequence[Candle]:
        raise ExchangeUnavailable(f"no candles: {asked}")

    def watch_ticker(self, symbol: str) -> AsyncGenerator[Ticker, None]:
        return _broken(symbol)

    def watch_candles(self, symbol: str, timeframe: str) -> AsyncGenerator[Candle, None]:
        return _broken(f"{symbol} {timeframe}")

    def watch_order_book(self, symbol: str) -> AsyncGenerator[OrderBook, None]:
        return _broken(symbol)


class ManualMarketData:
    """Market data whose streams yield what a test sends, when it sends it."""

    market_set = "hand"
    capabilities = CAPABILITIES
    traffic = NO_TRAFFIC

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.state = Connectivity.CONNECTED
        self.last = Decimal(100)
        self.is_cut_off = False
        # How often each request was made and each stream opened, and the streams open now.
        self.asked: Counter[str] = Counter()
        self.opened: Counter[str] = Counter()
        self.open: dict[str, asyncio.Queue[Any]] = {}
        self.gate: asyncio.Event | None = None

    @property
    def connection(self) -> Connection:
        return Connection(connectivity=self.state)

    async def markets(self) -> Mapping[str, Market]:
        self._require()
        return {symbol: market(symbol) for symbol in ("BTC/USDT", "ETH/USDT")}

    async def tickers(self, symbols: Sequence[str]) -> Mapping[str, Ticker]:
        await self._ask("tickers")
        return {symbol: self.ticker(symbol) for symbol in symbols if symbol != "GONE/USDT"}

    async def last_prices(self, symbols: Sequence[str]) -> Mapping[str, Ticker]:
        return await self.tickers(symbols)

    async def order_book(self, symbol: str, depth: int) -> OrderBook:
        await self._ask("book")
        return self.book(depth)

    async def timeframes(self) -> Sequence[str]:
        return ("1m", "1h")

    async def candles(self, asked: CandleRequest) -> Sequence[Candle]:
        await self._ask("candles")
        now, first = self._clock.now(), asked.since or self._clock.now()
        return [self.candle((now - first).total_seconds(), is_closed=False)]

    def watch_ticker(self, symbol: str) -> AsyncGenerator[Ticker, None]:
        return self._stream(symbol)

    def watch_candles(self, symbol: str, timeframe: str) -> AsyncGenerator[Candle, None]:
        return self._stream(f"{symbol} {timeframe}")

    def watch_order_book(self, symbol: str) -> AsyncGenerator[OrderBook, None]:
        return self._stream(f"{symbol} book")

    async def send(self, name: str, value: object) -> None:
        """Send a value on an open stream, or break it with an exception; returns once received."""
        async with asyncio.timeout(1):
            while name not in self.open:  # noqa: ASYNC110 - there is no event for it
                await asyncio.sleep(0)
        self.open[name].put_nowait(value)
        for _ in range(_TURNS):
            await asyncio.sleep(0)

    def ticker(self, symbol: str = "BTC/USDT", last: int | None = None) -> Ticker:
        price = self.last if last is None else Decimal(last)
        return Ticker(
            symbol=symbol,
            bid=price,
            ask=price,
            last=price,
            percentage=None,
            quote_volume=None,
            at=self._clock.now(),
        )

    def book(self, depth: int) -> OrderBook:
        levels = tuple(BookLevel(price=self.last, amount=Decimal(1)) for _ in range(depth))
        return OrderBook(bids=levels, asks=levels, at=self._clock.now())

    def candle(self, age_seconds: float = 0, *, is_closed: bool = False, close: int = 1) -> Candle:
        unit = Decimal(1)
        return Candle(
            at=self._clock.now() - timedelta(seconds=age_seconds),
            open=unit,
            high=Decimal(close),
            low=unit,
            close=Decimal(close),
            volume=unit,
            is_closed=is_closed,
        )

    async def _ask(self, what: str) -> None:
        self.asked[what] += 1
        if self.gate is not None:
            await self.gate.wait()
        self._require()

    def _require(self) -> None:
        if self.is_cut_off:
            raise ExchangeUnavailable("it is cut off")

    async def _stream(self, name: str) -> AsyncGenerator[Any, None]:
        self.opened[name] += 1
        self._require()
        values: asyncio.Queue[Any] = asyncio.Queue()
        self.open[name] = values
        try:
            while True:
                value = await values.get()
                if isinstance(value, Exception):
                    raise value
                yield value
        finally:
            del self.open[name]


async def _broken(name: str) -> AsyncGenerator[T, None]:
    raise ExchangeUnavailable(f"no stream of {name}")
    yield  # makes it a generator


def market(symbol: str) -> Market:
    base, quote = symbol.split("/")
    step = Decimal("0.01")
    return Market(
        symbol=symbol,
        base=base,
        quote=quote,
        type=PositionType.SPOT,
        active=True,
        amount_step=step,
        price_step=step,
        min_amount=step,
        min_notional=None,
    )
