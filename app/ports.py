"""The ports with several implementations: Clock, MarketSource and ExchangeGateway."""

from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Protocol

from app.domain.account_checks import AccountCheck
from app.domain.accounts import Balance, Capabilities, Connection
from app.domain.markets.candles import Candle, CandleRequest
from app.domain.markets.markets import Market, Ticker
from app.domain.markets.order_books import OrderBook
from app.domain.orders.reports import OrderIntent, OrderKey, OrderReport
from app.domain.orders.terms import AmendableTerms
from app.domain.portfolio.exposures import Exposure
from app.domain.traffic import Traffic


class Clock(Protocol):
    """Time; tests replace it with a clock that they move by hand.

    `now` is for what is stored, shown or compared with an exchange's time. Ages, pauses and
    deadlines of a running process are measured by `elapsed`: somebody may set the wall clock.
    """

    def now(self) -> datetime:
        """The wall clock in UTC, to the millisecond; it may step either way."""
        ...

    def elapsed(self) -> float:
        """Seconds since some moment; never less than before, also while the machine sleeps."""
        ...

    async def sleep(self, seconds: float) -> None: ...

    def timeout(self, seconds: float) -> AbstractAsyncContextManager[object]:
        """A context manager that raises TimeoutError if its block takes longer."""
        ...


class MarketSource(Protocol):
    """An exchange's public market data. Every amount and price is an exact Decimal.

    A stream yields changes from now on, and raises when it breaks; changes until it is opened again
    are lost. An exchange without such a stream is polled.
    """

    @property
    def market_set(self) -> str:
        """Sources with the same market set have the same markets and prices."""
        ...

    @property
    def capabilities(self) -> Capabilities: ...

    @property
    def connection(self) -> Connection: ...

    @property
    def traffic(self) -> Traffic:
        """What was asked of the exchange so far."""
        ...

    async def markets(self) -> Mapping[str, Market]: ...

    async def tickers(self, symbols: Sequence[str]) -> Mapping[str, Ticker]:
        """The tickers of those symbols that are listed."""
        ...

    async def last_prices(self, symbols: Sequence[str]) -> Mapping[str, Ticker]:
        """The same of any number of symbols at once, with the last price alone if that is cheap."""
        ...

    async def order_book(self, symbol: str, depth: int) -> OrderBook:
        """The current order book, at most `depth` levels deep."""
        ...

    async def timeframes(self) -> Sequence[str]:
        """The timeframes that have candles, shortest first."""
        ...

    async def candles(self, asked: CandleRequest) -> Sequence[Candle]:
        """Candles, oldest first; the last one may still be unfinished."""
        ...

    def watch_ticker(self, symbol: str) -> AsyncGenerator[Ticker, None]: ...

    def watch_candles(self, symbol: str, timeframe: str) -> AsyncGenerator[Candle, None]:
        """The running candle, whenever it changes."""
        ...

    def watch_order_book(self, symbol: str) -> AsyncGenerator[OrderBook, None]:
        """The whole order book, whenever it changes."""
        ...


class ExchangeGateway(MarketSource, Protocol):
    """One account at one exchange: its orders, balances and positions.

    Methods may raise ExchangeRejected (the exchange refused: certainly not placed) or
    ExchangeUnavailable (certainly never sent); anything else, usually ExchangeDoubt, leaves doubt.
    """

    async def balances(self) -> Mapping[str, Balance]: ...

    async def exposures(self) -> Sequence[Exposure]:
        """Open margin and swap positions; spot holdings are balances."""
        ...

    async def submit(self, intent: OrderIntent) -> OrderReport:
        """Place an order, once: the gateway never repeats it."""
        ...

    async def cancel(self, key: OrderKey) -> OrderReport | None:
        """Cancel an order and report its state; None if the exchange knows no such order."""
        ...

    async def amend(self, key: OrderKey, wanted: AmendableTerms) -> OrderReport | None:
        """Amend an order in place or not at all; an amount that is already filled closes it.

        Returns None if the exchange knows no such order. Safe to repeat.
        """
        ...

    async def find(self, key: OrderKey) -> OrderReport | None:
        """Look an order up by its ids; None only if the exchange answered that it has none."""
        ...

    async def open_orders(self) -> Sequence[OrderReport]:
        """Every order of the account that is open at the exchange."""
        ...

    async def closed_orders(self, since: datetime, symbols: Sequence[str]) -> Sequence[OrderReport]:
        """Orders of these markets that closed since then, as far as the exchange lists them."""
        ...

    def news(self) -> AsyncIterator[OrderReport]:
        """The exchange's stream of order reports: a hint that may repeat, reorder and lose them."""
        ...

    async def examine(self) -> AccountCheck:
        """Check the account's keys, and the exchange's clock and rate limit."""
        ...

    async def gap(self) -> None:
        """Wait until reports may have been lost: at each connection, after each broken stream.

        A gap that came while nobody waited ends the next wait at once.
        """
        ...

    async def run(self) -> None:
        """Run the gateway's background work until cancelled."""
        ...
