"""Market data: markets, tickers, candles and order books of the exchanges, and their updates."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Hashable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import Any, TypeVar

from app.domain.checks import invalid
from app.domain.markets import candles as domain_candles
from app.domain.markets.candles import Candle, CandleRequest, examine_timeframe
from app.domain.markets.markets import Market, Ticker
from app.domain.markets.order_books import MAX_DEPTH, OrderBook, examine_depth
from app.domain.markets.symbols import unknown_symbol
from app.domain.pages import Page, PageRequest
from app.errors import Denied, ExchangeError, ExchangeUnavailable, Refusal
from app.ports import Clock
from app.primitives.once_per_key import AnswerCache
from app.services.accounts import AccountEntry
from app.services.markets.channels import book_channel, candle_channel, ticker_channel
from app.services.markets.stream_registry import StreamRegistry

# Answers are shared this long, less than a tick of the fastest market.
KEPT_SECONDS = 0.25
# Times the usual patience: a long list of candles takes several requests.
_CANDLE_PATIENCE = 3.0
# The running candle, and the one that has just closed.
_CANDLES_UNREAD = 2

T = TypeVar("T")


class MarketDataService:
    """Answers from a live stream if somebody watches the market, else by asking the exchange."""

    def __init__(self, streams: StreamRegistry, clock: Clock) -> None:
        self._streams = streams
        self._clock = clock
        self._answers: AnswerCache[Any] = AnswerCache(clock, kept_seconds=KEPT_SECONDS)
        self._markets: dict[str, Mapping[str, Market]] = {}
        # The last tickers that were asked for, and when.
        self._last_tickers: dict[tuple[str, str], tuple[float, Ticker]] = {}
        # The same for last prices, of which no more may be known.
        self._last_prices: dict[tuple[str, str], tuple[float, Ticker]] = {}

    async def markets(
        self, account: AccountEntry, search: str | None, request: PageRequest
    ) -> Page[Market]:
        """Markets with these letters in their symbol, sorted by symbol."""
        markets = await self._listed(account)
        wanted = (search or "").upper()
        after = "" if request.after is None else str(request.after[0])
        matching = [
            markets[symbol]
            for symbol in sorted(markets)
            if wanted in symbol.upper() and symbol > after
        ]
        items = matching[: request.size]
        return Page(items=items, has_next=len(matching) > request.size, has_previous=after != "")

    async def ticker(self, account: AccountEntry, symbol: str) -> Ticker | None:
        await self._require_listed(account, symbol)
        return (await self._tickers(account, [symbol])).get(symbol)

    async def tickers(self, account: AccountEntry, symbols: Sequence[str] | None) -> list[Ticker]:
        """Tickers in the order of the symbols; all markets if symbols is None."""
        if symbols is None:
            wanted = sorted(await self._listed(account))
        else:
            await self._require_all_listed(account, symbols)
            wanted = list(dict.fromkeys(symbols))
        tickers = await self._tickers(account, wanted)
        return [tickers[symbol] for symbol in wanted if symbol in tickers]

    async def prices(
        self, account: AccountEntry, symbols: Sequence[str], *, deadline_seconds: float
    ) -> Mapping[str, Ticker | str]:
        """For each symbol a ticker, even a stale one, or why there is none; within the deadline."""
        wanted, why = list(dict.fromkeys(symbols)), "the exchange tells no price of it"
        tickers: Mapping[str, Ticker] = {}
        try:
            async with self._clock.timeout(deadline_seconds):
                tickers = await self._last_prices_of(account, wanted)
        except TimeoutError:
            why = f"the exchange did not tell its price within {deadline_seconds:g} s"
        except ExchangeError as error:
            why = str(error)
        known = {**self._known(account, wanted), **tickers}
        return {symbol: known.get(symbol, why) for symbol in wanted}

    def heard_within(
        self, account: AccountEntry, symbols: Sequence[str], seconds: float
    ) -> dict[str, Ticker]:
        """The prices that a stream or an answer has told within that time."""
        market_set, since = account.gateway.market_set, self._clock.elapsed() - seconds
        tickers = {}
        for symbol in symbols:
            streamed = self._streams.heard_since(ticker_channel(market_set, symbol), since)
            asked_at, asked = self._last_tickers.get((market_set, symbol), (since, None))
            ticker = streamed or (asked if asked_at > since else None)
            if ticker is not None and not ticker.is_stale:
                tickers[symbol] = ticker
        return tickers

    async def ask_tickers(
        self, account: AccountEntry, symbols: tuple[str, ...], urgency: Hashable = None
    ) -> Mapping[str, Ticker]:
        """Ask the exchange; only callers of the same urgency share an answer."""
        gateway, asked_at = account.gateway, self._clock.elapsed()
        question = ("tickers", symbols, urgency)
        tickers = await self._ask(account, question, lambda: gateway.tickers(symbols))
        for symbol, ticker in tickers.items():
            self._last_tickers[gateway.market_set, symbol] = (asked_at, ticker)
        return tickers

    async def candles(self, account: AccountEntry, asked: CandleRequest) -> Sequence[Candle]:
        await self._require_listed(account, asked.symbol)
        offered = await account.gateway.timeframes()
        _deny(domain_candles.examine(asked, offered, self._clock.now()))
        return await self._candles(account, asked)

    async def order_book(self, account: AccountEntry, symbol: str, depth: int) -> OrderBook:
        await self._require_listed(account, symbol)
        _deny(examine_depth(depth))
        return (await self._book(account, symbol)).cut(depth)

    async def ticker_updates(
        self, account: AccountEntry, symbols: Sequence[str]
    ) -> AsyncGenerator[Ticker, None]:
        _deny(None if symbols else _nothing_named("symbols"))
        await self._require_all_listed(account, symbols)
        wanted = list(dict.fromkeys(symbols))
        tickers = await self._tickers(account, wanted)
        channels = [ticker_channel(account.gateway.market_set, symbol) for symbol in wanted]
        present = {
            channel.key: tickers[channel.key.symbol]
            for channel in channels
            if channel.key.symbol in tickers
        }
        return self._streams.follow(channels, present, most=len(channels))

    async def candle_updates(
        self, account: AccountEntry, symbol: str, timeframe: str
    ) -> AsyncGenerator[Candle, None]:
        await self._require_listed(account, symbol)
        _deny(examine_timeframe(timeframe, await account.gateway.timeframes()))
        channel = candle_channel(account.gateway.market_set, symbol, timeframe)
        latest = CandleRequest(symbol=symbol, timeframe=timeframe, limit=1)
        candles = await self._candles(account, latest)
        present = {channel.key: candles[-1]} if candles else {}
        return self._streams.follow([channel], present, most=_CANDLES_UNREAD)

    async def order_book_updates(
        self, account: AccountEntry, symbol: str, depth: int
    ) -> AsyncGenerator[OrderBook, None]:
        await self._require_listed(account, symbol)
        _deny(examine_depth(depth))
        channel = book_channel(account.gateway.market_set, symbol)
        present = {channel.key: await self._book(account, symbol)}
        return _cut(self._streams.follow([channel], present, most=1), depth)

    async def _listed(self, account: AccountEntry) -> Mapping[str, Market]:
        """The markets, or the last known ones if the exchange is unavailable."""
        market_set = account.gateway.market_set
        try:
            self._markets[market_set] = await account.gateway.markets()
        except ExchangeUnavailable:
            if market_set not in self._markets:
                raise
        return self._markets[market_set]

    async def _require_listed(self, account: AccountEntry, symbol: str) -> None:
        markets = await self._listed(account)
        if symbol not in markets:
            raise Denied(unknown_symbol(symbol, markets))

    async def _require_all_listed(self, account: AccountEntry, symbols: Sequence[str]) -> None:
        markets = await self._listed(account)
        for place, symbol in enumerate(symbols):
            if symbol not in markets:
                raise Denied(unknown_symbol(symbol, markets, "symbols", str(place)))

    async def _tickers(self, account: AccountEntry, symbols: Sequence[str]) -> dict[str, Ticker]:
        """Live tickers, and the rest from the exchange; if it fails, the last known ones, stale."""
        market_set = account.gateway.market_set
        live = {
            symbol: self._streams.live(ticker_channel(market_set, symbol)) for symbol in symbols
        }
        tickers = {symbol: ticker for symbol, ticker in live.items() if ticker is not None}
        missing = tuple(symbol for symbol in symbols if symbol not in tickers)
        if missing:
            try:
                tickers |= await self.ask_tickers(account, missing)
            except ExchangeError:
                tickers |= self._known(account, missing)
                if not tickers:
                    raise
        return tickers

    async def _last_prices_of(
        self, account: AccountEntry, symbols: Sequence[str]
    ) -> dict[str, Ticker]:
        """Live prices, prices told a moment ago, and the rest in one question."""
        gateway = account.gateway
        market_set, asked_at = gateway.market_set, self._clock.elapsed()
        tickers = {
            symbol: ticker
            for symbol in symbols
            if (ticker := self._streams.live(ticker_channel(market_set, symbol))) is not None
            or (ticker := self._told_since(market_set, symbol, asked_at - KEPT_SECONDS)) is not None
        }
        missing = tuple(symbol for symbol in symbols if symbol not in tickers)
        if missing:
            question = ("last prices", missing)
            asked = await self._ask(account, question, lambda: gateway.last_prices(missing))
            for symbol, ticker in asked.items():
                self._last_prices[market_set, symbol] = (asked_at, ticker)
            tickers |= asked
        return tickers

    def _told_since(self, market_set: str, symbol: str, since: float) -> Ticker | None:
        told = self._last_prices.get((market_set, symbol))
        return None if told is None or told[0] <= since else told[1]

    def _known(self, account: AccountEntry, symbols: Sequence[str]) -> dict[str, Ticker]:
        """The last known tickers, marked as stale."""
        market_set = account.gateway.market_set
        tickers = {}
        for symbol in symbols:
            streamed = self._streams.latest(ticker_channel(market_set, symbol))
            asked = (
                told
                for answers in (self._last_tickers, self._last_prices)
                if (told := answers.get((market_set, symbol))) is not None
            )
            last = streamed or max(asked, key=lambda told: told[0], default=(None, None))[1]
            if last is not None:
                tickers[symbol] = replace(last, is_stale=True)
        return tickers

    async def _candles(self, account: AccountEntry, asked: CandleRequest) -> Sequence[Candle]:
        return await self._ask(
            account, asked, lambda: account.gateway.candles(asked), patience=_CANDLE_PATIENCE
        )

    async def _book(self, account: AccountEntry, symbol: str) -> OrderBook:
        live = self._streams.live(book_channel(account.gateway.market_set, symbol))
        if live is not None:
            return live
        return await self._ask(
            account, ("book", symbol), lambda: account.gateway.order_book(symbol, MAX_DEPTH)
        )

    async def _ask(
        self,
        account: AccountEntry,
        question: Hashable,
        ask: Callable[[], Awaitable[T]],
        *,
        patience: float = 1.0,
    ) -> T:
        """Ask the exchange with a timeout; callers with the same question share one request."""
        try:
            async with self._clock.timeout(account.answer_seconds * patience):
                answer: T = await self._answers.get((account.gateway.market_set, question), ask)
        except TimeoutError:
            raise ExchangeUnavailable("the exchange did not answer in time") from None
        return answer


async def _cut(
    books: AsyncGenerator[OrderBook, None], depth: int
) -> AsyncGenerator[OrderBook, None]:
    async with aclosing(books) as whole_books:
        async for book in whole_books:
            yield book.cut(depth)


def _deny(refusal: Refusal | None) -> None:
    if refusal is not None:
        raise Denied(refusal)


def _nothing_named(field: str) -> Refusal:
    return invalid(field, f"{field} must name a market at least")
