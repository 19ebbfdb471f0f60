"""The seams with more than one real implementation behind them."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Protocol

from app.domain.accounts import Balance, Capabilities, Connection
from app.domain.examinations import Examination
from app.domain.markets import Market, Ticker
from app.domain.order_reports import OrderIntent, OrderKey, OrderReport, OrderTerms


class Clock(Protocol):
    """Time, which a test moves by hand."""

    def now(self) -> datetime:
        """The time in UTC, to the millisecond."""
        ...

    async def sleep(self, seconds: float) -> None: ...

    def timeout(self, seconds: float) -> AbstractAsyncContextManager[object]:
        """Raise TimeoutError in the block when it takes longer."""
        ...


class ExchangeGateway(Protocol):
    """An exchange, as far as orders need it. Every amount and price is an exact Decimal.

    What may be raised: ExchangeRejected (it said no, surely not placed), ExchangeUnavailable (it
    was surely never asked); anything else, ExchangeDoubt foremost, leaves doubt.
    """

    @property
    def capabilities(self) -> Capabilities: ...

    @property
    def connection(self) -> Connection: ...

    async def markets(self) -> Mapping[str, Market]: ...

    async def tickers(self, symbols: Sequence[str]) -> Mapping[str, Ticker]: ...

    async def balances(self) -> Mapping[str, Balance]: ...

    async def submit(self, intent: OrderIntent) -> OrderReport:
        """Place an order, once. Never repeated by the gateway itself."""
        ...

    async def cancel(self, key: OrderKey) -> OrderReport | None:
        """Cancel an order and tell how it stands; None where the exchange knows no such order."""
        ...

    async def amend(self, key: OrderKey, wanted: OrderTerms) -> OrderReport | None:
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

    async def examine(self) -> Examination:
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
