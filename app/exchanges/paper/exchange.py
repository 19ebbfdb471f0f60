"""The paper exchange itself: one account, and a loop that fills what waits."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from typing import TypeVar

from structlog import get_logger

from app.domain.accounts import Balance, Capabilities, Connection, Connectivity
from app.domain.examinations import Examination
from app.domain.markets import Market, Ticker
from app.domain.order_books import OrderBook
from app.domain.order_reports import OrderIntent, OrderKey, OrderReport, OrderTerms
from app.exchanges.paper.admission import CAPABILITIES
from app.exchanges.paper.bookkeeping import Bookkeeper, Surroundings
from app.exchanges.paper.books import Books
from app.exchanges.paper.faults import Call, Faults, Line
from app.exchanges.paper.news import NewsDesk
from app.exchanges.paper.prices import TICK, tick_of, time_of
from app.exchanges.paper.venue import PaperTerms, Venue
from app.ports import Clock

_RETRY_SECONDS = 1.0
_Report = TypeVar("_Report", OrderReport, OrderReport | None)

_log = get_logger(__name__)


class PaperExchange:
    """An exchange that is always open and always solvent.

    Any number of processes may run the same account over the same books.
    """

    def __init__(
        self, books: Books, clock: Clock, terms: PaperTerms, faults: Faults | None = None
    ) -> None:
        self._faults = Faults() if faults is None else faults
        self._clock = clock
        self._venue = Venue(terms)
        self._line = Line(self._faults, clock)
        self._desk = NewsDesk(self._faults)
        self._books = Bookkeeper(
            books,
            Surroundings(venue=self._venue, clock=clock, faults=self._faults, desk=self._desk),
        )

    @property
    def capabilities(self) -> Capabilities:
        return CAPABILITIES

    @property
    def connection(self) -> Connection:
        if self._faults.is_disconnected:
            return Connection(
                connectivity=Connectivity.DISCONNECTED, detail="switched off by a test"
            )
        return Connection(connectivity=Connectivity.CONNECTED)

    async def markets(self) -> Mapping[str, Market]:
        self._line.require()
        return self._venue.markets

    async def tickers(self, symbols: Sequence[str]) -> Mapping[str, Ticker]:
        """The prices of those symbols that are listed."""
        self._line.require()
        return self._venue.tickers(symbols, self._clock.now())

    async def order_book(self, symbol: str, depth: int) -> OrderBook:
        """What others offer now, to a depth of 50 levels at most."""
        self._line.require()
        return self._venue.book(symbol, self._clock.now(), depth)

    async def balances(self) -> Mapping[str, Balance]:
        self._line.require()
        return await self._books.balances()

    async def submit(self, intent: OrderIntent) -> OrderReport:
        await self._line.out(Call.SUBMIT)
        return await self._answer(Call.SUBMIT, await self._books.submit(intent))

    async def cancel(self, key: OrderKey) -> OrderReport | None:
        await self._line.out(Call.CANCEL)
        return await self._answer(Call.CANCEL, await self._books.cancel(key))

    async def amend(self, key: OrderKey, wanted: OrderTerms) -> OrderReport | None:
        await self._line.out(Call.AMEND)
        return await self._answer(Call.AMEND, await self._books.amend(key, wanted))

    async def find(self, key: OrderKey) -> OrderReport | None:
        await self._line.out(Call.FIND)
        report = await self._books.find(key)
        await self._line.back(Call.FIND)
        return report

    async def open_orders(self) -> Sequence[OrderReport]:
        self._line.require(Call.FIND)
        return await self._books.waiting()

    async def closed_orders(self, since: datetime, symbols: Sequence[str]) -> Sequence[OrderReport]:
        """Nobody else places orders here, so there are none that we have not heard of."""
        self._line.require(Call.FIND)
        return ()

    def news(self) -> AsyncIterator[OrderReport]:
        """What this process books from now on."""
        return self._desk.reader()

    async def examine(self) -> Examination:
        """It has no keys, and the clock of this machine."""
        return Examination()

    async def gap(self) -> None:
        """It has no line that could break."""
        await asyncio.Event().wait()

    async def run(self) -> None:
        """Fill the waiting orders through which the price has gone, tick by tick."""
        while True:
            try:
                await self._books.match()
            except Exception as error:  # noqa: BLE001 - whatever it was, the next tick comes
                _log.warning("paper_matching_failed", error=repr(error))
                await self._clock.sleep(_RETRY_SECONDS)
            else:
                await self._clock.sleep(self._seconds_to_next_tick())

    async def _answer(self, call: Call, report: _Report) -> _Report:
        # What is booked is told, even where the answer to it is lost.
        try:
            await self._line.back(call)
        finally:
            if report is not None:
                self._desk.publish(report)
        return report

    def _seconds_to_next_tick(self) -> float:
        now = self._clock.now()
        return (time_of(tick_of(now)) + TICK - now).total_seconds()
