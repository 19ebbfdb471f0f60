"""The paper exchange itself: one account, and a loop that fills what waits."""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime, timedelta

from structlog import get_logger

from app.domain.accounts import Balance, Capabilities, Connection, Connectivity
from app.domain.markets import Market, Ticker
from app.domain.order_reports import OrderIntent, OrderKey, OrderReport
from app.exchanges.paper.admission import CAPABILITIES
from app.exchanges.paper.bookkeeping import Bookkeeper
from app.exchanges.paper.books import Books
from app.exchanges.paper.faults import Call, Faults, Line
from app.exchanges.paper.news import NewsDesk
from app.exchanges.paper.prices import TICK, tick_of, time_of
from app.exchanges.paper.resting import Hit, RestingOrders
from app.exchanges.paper.venue import PaperTerms, Venue
from app.ports import Clock

_REFRESH = timedelta(seconds=1)
_RETRY_SECONDS = 1.0
_HITS_PER_TRANSACTION = 100

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
        self._books = Bookkeeper(books, self._venue, clock, self._faults)
        self._line = Line(self._faults, clock)
        self._desk = NewsDesk(self._faults)
        self._resting = RestingOrders()
        self._refresh_at: datetime | None = None

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

    async def balances(self) -> Mapping[str, Balance]:
        self._line.require()
        return await self._books.balances()

    async def submit(self, intent: OrderIntent) -> OrderReport:
        await self._line.out(Call.SUBMIT)
        booked = await self._books.submit(intent)
        if booked.order.status.is_open:
            self._resting.add(booked.order)
        return await self._answer(Call.SUBMIT, booked.report)

    async def cancel(self, key: OrderKey) -> OrderReport | None:
        await self._line.out(Call.CANCEL)
        booked = await self._books.cancel(key)
        if booked is None:
            await self._line.back(Call.CANCEL)
            return None
        self._resting.discard([booked.order.number])
        return await self._answer(Call.CANCEL, booked.report)

    async def find(self, key: OrderKey) -> OrderReport | None:
        await self._line.out(Call.FIND)
        report = await self._books.find(key)
        await self._line.back(Call.FIND)
        return report

    async def open_orders(self) -> Sequence[OrderReport]:
        self._line.require(Call.FIND)
        return await self._books.waiting()

    def news(self) -> AsyncIterator[OrderReport]:
        """What this process books from now on."""
        return self._desk.reader()

    async def run(self) -> None:
        """Fill the waiting orders through which the price has gone, tick by tick."""
        while True:
            try:
                await self._match()
            except Exception as error:  # noqa: BLE001 - whatever it was, the next tick comes
                _log.warning("paper_matching_failed", error=repr(error))
                await self._clock.sleep(_RETRY_SECONDS)
            else:
                await self._clock.sleep(self._seconds_to_next_tick())

    async def _answer(self, call: Call, report: OrderReport) -> OrderReport:
        # What is booked is told, even where the answer to it is lost.
        try:
            await self._line.back(call)
        finally:
            self._desk.publish(report)
        return report

    async def _match(self) -> None:
        now = self._clock.now()
        await self._refresh(now)
        tick = tick_of(now)
        compared = self._resting.numbers
        hits = self._resting.hits(tick, self._venue.last)
        for start in range(0, len(hits), _HITS_PER_TRANSACTION):
            await self._fill(hits[start : start + _HITS_PER_TRANSACTION])
        self._resting.compared(compared, tick)

    async def _fill(self, hits: Sequence[Hit]) -> None:
        filled = await self._books.fill(hits)
        self._resting.discard(hit.number for hit in hits)
        for booked in filled:
            self._desk.publish(booked.report)

    async def _refresh(self, now: datetime) -> None:
        """Learn now and then what other processes have booked."""
        if self._refresh_at is not None and now < self._refresh_at:
            return
        known = self._resting.numbers
        found = await self._books.open_orders(known=known)
        self._resting.discard(known - found.numbers)
        for order in found.unknown:
            self._resting.add(order)
        self._refresh_at = now + _REFRESH

    def _seconds_to_next_tick(self) -> float:
        now = self._clock.now()
        return (time_of(tick_of(now)) + TICK - now).total_seconds()
