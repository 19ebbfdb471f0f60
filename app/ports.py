"""The seams with more than one real implementation behind them."""

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


class Clock(Protocol):
    """Time, which a test moves by hand."""

    def now(self) -> datetime:
        """The time in UTC, to the millisecond."""
        ...

    async def sleep(self, seconds: float) -> None: ...

    def timeout(self, seconds: float) -> AbstractAsyncContextManager[object]:
        """Raise TimeoutError in the block when it takes longer."""
        ...


class MarketSource(Protocol):
    """What an exchange tells everybody. Every amount and price is an exact Decimal.

    A stream tells what changes from now on, and raises when it breaks; what happens until it is
    asked for again is told by nobody. An exchange that has no such stream is asked again and again.
    """

    @property
    def market_set(self) -> str:
        """Sources with the same one tell the same."""
        ...

    @property
    def capabilities(self) -> Capabilities: ...

    @property
    def connection(self) -> Connection: ...

    async def markets(self) -> Mapping[str, Market]: ...

    async def tickers(self, symbols: Sequence[str]) -> Mapping[str, Ticker]:
        """The prices of those symbols that are listed."""
        ...

    async def order_book(self, symbol: str, depth: int) -> OrderBook:
        """What others offer now, so many levels deep where there are as many."""
        ...

    async def timeframes(self) -> Sequence[str]:
        """Of which spans there are candles, the shortest first."""
        ...

    async def candles(self, asked: CandleRequest) -> Sequence[Candle]:
        """The oldest first; the last one may still be running."""
        ...

    def watch_ticker(self, symbol: str) -> AsyncGenerator[Ticker, None]: ...

    def watch_candles(self, symbol: str, timeframe: str) -> AsyncGenerator[Candle, None]:
        """The candle that is running, whenever it has changed."""
        ...

    def watch_order_book(self, symbol: str) -> AsyncGenerator[OrderBook, None]:
        """All of it, whenever it has changed."""
        ...


class ExchangeGateway(MarketSource, Protocol):
    """An exchange, as far as orders need it.

    What may be raised: ExchangeRejected (it said no, surely not placed), ExchangeUnavailable (it
    was surely never asked); anything else, ExchangeDoubt foremost, leaves doubt.
    """

    async def balances(self) -> Mapping[str, Balance]: ...

    async def exposures(self) -> Sequence[Exposure]:
        """Open positions on margin and in swaps; those on spot markets are balances."""
        ...

    async def submit(self, intent: OrderIntent) -> OrderReport:
        """Place an order, once. Never repeated by the gateway itself."""
        ...

    async def cancel(self, key: OrderKey) -> OrderReport | None:
        """Cancel an order and tell how it stands; None where the exchange knows no such order."""
        ...

    async def amend(self, key: OrderKey, wanted: AmendableTerms) -> OrderReport | None:
        """Change an order in place or not at all; an amount that is filled already closes it.

        None where the exchange knows no such order. Safe to repeat.
        """
        ...

    async def find(self, key: OrderKey) -> OrderReport | None:
        """Look an order up by its ids; None only where the exchange answered that there is none."""
        ...

    async def open_orders(self) -> Sequence[OrderReport]:
        """Every order of the account that waits on the exchange."""
        ...

    async def closed_orders(self, since: datetime, symbols: Sequence[str]) -> Sequence[OrderReport]:
        """Orders of these markets that closed since then, as far as the exchange lists them."""
        ...

    def news(self) -> AsyncIterator[OrderReport]:
        """The exchange's stream of order news: a hint, which may repeat, swap and lose."""
        ...

    async def examine(self) -> AccountCheck:
        """What the exchange says of the account's keys and of its own clock and limits."""
        ...

    async def gap(self) -> None:
        """Wait until news may have been lost: at each connection, after each break of a stream.

        One that came while nobody waited is told to the next who does.
        """
        ...

    async def run(self) -> None:
        """Whatever the gateway does by itself, until it is cancelled."""
        ...
