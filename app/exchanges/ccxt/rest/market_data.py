"""MarketData: fetches an exchange's tickers, candles and order books."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from app.domain.markets.candles import Candle, CandleRequest
from app.domain.markets.markets import Ticker
from app.domain.markets.order_books import OrderBook
from app.errors import ExchangeError
from app.exchanges.ccxt.connection.anomalies import AnomalyLog
from app.exchanges.ccxt.connection.sessions import CcxtSession
from app.exchanges.ccxt.parsing.candles import candle_of, most_at_once, timeframes_of
from app.exchanges.ccxt.parsing.failures import Unreadable, is_market_unknown
from app.exchanges.ccxt.parsing.markets import last_prices_of, only_last, ticker_of
from app.exchanges.ccxt.parsing.numbers import milliseconds
from app.exchanges.ccxt.parsing.order_books import order_book_of
from app.exchanges.ccxt.rest.lookups import OrderLookup
from app.ports import Clock
from app.primitives.priorities import Priority

_MILLISECOND = timedelta(milliseconds=1)


class MarketData:
    """Public requests, which need no keys. Unreadable data is counted, never guessed."""

    def __init__(
        self, session: CcxtSession, lookups: OrderLookup, clock: Clock, anomalies: AnomalyLog
    ) -> None:
        self._session = session
        self._lookups = lookups
        self._clock = clock
        self._anomalies = anomalies

    async def tickers(self, symbols: Sequence[str]) -> Mapping[str, Ticker]:
        self._session.require()
        listed = [symbol for symbol in symbols if symbol in self._session.markets]
        if not listed:
            return {}
        if len(listed) == 1:
            rows = [await self._read("fetch_ticker", listed[0])]
        else:
            rows = list((await self._read("fetch_tickers", listed)).values())
        tickers = [ticker for row in rows if (ticker := self.ticker_in(row)) is not None]
        return {ticker.symbol: ticker for ticker in tickers if ticker.symbol in listed}

    async def last_prices(self, symbols: Sequence[str]) -> Mapping[str, Ticker]:
        """The last prices of any number of markets, in one request."""
        self._session.require()
        method = self._session.quirks.last_prices_method
        if method is None or len(symbols) <= 1:
            return await self.many_tickers(symbols)
        prices = last_prices_of(await self._read(method))
        markets, now = self._session.client.markets, self._clock.now()
        found = {
            symbol: prices[markets[symbol]["id"]]
            for symbol in symbols
            if symbol in self._session.markets and markets[symbol]["id"] in prices
        }
        return {symbol: only_last(symbol, price, at=now) for symbol, price in found.items()}

    async def many_tickers(self, symbols: Sequence[str]) -> Mapping[str, Ticker]:
        """The tickers of these markets; one that is gone does not hold up the others."""
        try:
            return await self.tickers(symbols)
        except ExchangeError as error:
            is_gone = error.__cause__ is not None and is_market_unknown(error.__cause__)
            if not is_gone or len(symbols) <= 1:
                raise
        rows = (await self._read("fetch_tickers")).values()
        tickers = [ticker for row in rows if (ticker := self.ticker_in(row)) is not None]
        return {ticker.symbol: ticker for ticker in tickers if ticker.symbol in symbols}

    async def order_book(self, symbol: str, depth: int) -> OrderBook:
        size = self._session.quirks.book_size(depth)
        return self.book_in(await self._read("fetch_order_book", symbol, size), depth)

    async def timeframes(self) -> Sequence[str]:
        self._session.require()
        client = self._session.client
        return timeframes_of(client) if client.has.get("fetchOHLCV") else ()

    async def candles(self, asked: CandleRequest) -> Sequence[Candle]:
        """The candles asked for, in as many requests as it takes."""
        self._session.require()
        most = most_at_once(self._session.client) or asked.limit
        if asked.since is None and asked.limit <= most:
            rows = await self._read_candles(asked, None, asked.limit)
            return self.candles_in(rows, asked.span)[-asked.limit :]
        return await self._collect(asked, most)

    def ticker_in(self, row: Any) -> Ticker | None:
        return ticker_of(row, now=self._clock.now())

    def book_in(self, row: Any, depth: int) -> OrderBook:
        return order_book_of(row, depth=depth, now=self._clock.now())

    def candles_in(self, rows: Iterable[Any], span: timedelta) -> list[Candle]:
        """The readable candles, oldest first."""
        now, found = self._session.exchange_time(), []
        for row in rows:
            try:
                found.append(candle_of(row, span=span, now=now))
            except Unreadable as error:
                self._anomalies.note("candle_unreadable", why=str(error))
        return sorted(found, key=lambda candle: candle.at)

    async def _collect(self, asked: CandleRequest, most: int) -> list[Candle]:
        now, span = self._session.exchange_time(), asked.span
        # From here on exactly `limit` candles begin, including the unfinished one.
        since = asked.since or now - asked.limit * span + _MILLISECOND
        found: list[Candle] = []
        while len(found) < asked.limit and since <= now:
            left = min(most, asked.limit - len(found))
            page = self.candles_in(await self._read_candles(asked, since, left), span)
            new = [candle for candle in page if candle.at >= since]
            if not new:
                break
            found += new
            since = new[-1].at + span
        return found[: asked.limit]

    async def _read_candles(
        self, asked: CandleRequest, since: datetime | None, limit: int
    ) -> Iterable[Any]:
        start = None if since is None else milliseconds(since)
        rows: Iterable[Any] = await self._read(
            "fetch_ohlcv", asked.symbol, asked.timeframe, start, limit
        )
        return rows

    async def _read(self, method: str, *arguments: Any) -> Any:
        return await self._lookups.read(Priority.MARKET_DATA, method, *arguments)
