"""Orders into the books and out of them, each change in one transaction."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from app.domain import money
from app.domain.accounts import Balance
from app.domain.order_reports import OrderIntent, OrderKey, OrderReport, OrderTerms
from app.domain.orders import OrderStatus
from app.domain.paper import PaperOrder
from app.errors import ExchangeDoubt, ExchangeRejected, Refusal
from app.exchanges.paper.admission import refuse
from app.exchanges.paper.amending import refuse_amendment
from app.exchanges.paper.books import Books, BooksTransaction, BooksView
from app.exchanges.paper.faults import CrashPoint, Faults
from app.exchanges.paper.matching import Outcome, with_terms
from app.exchanges.paper.news import NewsDesk
from app.exchanges.paper.page import Page
from app.exchanges.paper.prices import tick_of
from app.exchanges.paper.reports import number_of, report_of, terms_of
from app.exchanges.paper.venue import Venue
from app.exchanges.paper.waiting import WaitingOrders, ticks_after
from app.ports import Clock

_REFRESH = timedelta(seconds=1)
_MATCHED_PER_TRANSACTION = 100


@dataclass(frozen=True, kw_only=True, slots=True)
class Surroundings:
    """What the books are kept with."""

    venue: Venue
    clock: Clock
    faults: Faults
    desk: NewsDesk


class Bookkeeper:
    """The only one to write into an account's books.

    Before anything is asked of them, the orders that wait meet every tick up to the present one:
    what the books say is a matter of what was ordered when, and of nobody's looking.
    """

    def __init__(self, books: Books, surroundings: Surroundings) -> None:
        self._books = books
        self._venue = surroundings.venue
        self._clock = surroundings.clock
        self._faults = surroundings.faults
        self._desk = surroundings.desk
        self._has_deposited = False
        self._waiting: WaitingOrders | None = None
        self._refresh_at: datetime | None = None

    async def submit(self, intent: OrderIntent) -> OrderReport:
        """Book a new order, or raise and leave no trace of it."""
        self._venue.listing(intent.symbol)
        async with self._page() as page:
            if await page.books.find_order_by_wire_id(intent.wire_id) is not None:
                raise ExchangeDoubt("duplicate: an order with this wire id was sent before")
            order = _arriving(intent, page.numbers.order + 1, page.now)
            order, trades = page.settle(self._place(order))
            await page.write()
            self._faults.crash(CrashPoint.BEFORE_BOOKING)
        self._faults.crash(CrashPoint.AFTER_BOOKING)
        return report_of(order, trades)

    async def cancel(self, key: OrderKey) -> OrderReport | None:
        """Take an order back if it still waits, and say how it stands."""
        async with self._page() as page:
            order = await _find(page.books, key)
            if order is None:
                return None
            if order.waits:
                matching = self._venue.matching(order.symbol)
                order, _ = page.settle(matching.cancel(order, page.now))
                await page.write()
            return report_of(order, await page.books.trades(order.number))

    async def amend(self, key: OrderKey, wanted: OrderTerms) -> OrderReport | None:
        """Change an order that waits, in place, or raise and leave it as it was."""
        async with self._page() as page:
            order = await _find(page.books, key)
            if order is None:
                return None
            if not order.waits or wanted != terms_of(order):
                order, _ = page.settle(self._amend(order, wanted, page.now))
                await page.write()
            return report_of(order, await page.books.trades(order.number))

    async def match(self) -> None:
        """Let the orders that wait meet the ticks of which nobody has taken note yet."""
        await self._refresh()
        while self._is_due():
            async with self._page(most=_MATCHED_PER_TRANSACTION) as page:
                await page.sync(self._waiting)
            self._faults.crash(CrashPoint.AFTER_MATCHING)

    async def find(self, key: OrderKey) -> OrderReport | None:
        async with self._books.snapshot() as books:
            order = await _find(books, key)
            return None if order is None else report_of(order, await books.trades(order.number))

    async def balances(self) -> Mapping[str, Balance]:
        if not self._has_deposited:
            async with self._page() as page:
                return page.balances
        async with self._books.snapshot() as books:
            return await books.balances()

    async def waiting(self) -> Sequence[OrderReport]:
        """Every order that waits, oldest first, with what it has traded."""
        async with self._books.snapshot() as books:
            return [
                report_of(order, await books.trades(order.number) if order.filled else ())
                for order in await books.open_orders()
            ]

    def _place(self, order: PaperOrder) -> Outcome:
        tick = tick_of(order.created_at)
        quote = self._venue.quote(order.symbol, tick)
        _insist(refuse(order, self._venue.listing(order.symbol), quote))
        levels = self._venue.levels_against(order.side, order.symbol, tick)
        return self._venue.matching(order.symbol).place(order, levels)

    def _amend(self, order: PaperOrder, wanted: OrderTerms, at: datetime) -> Outcome:
        quote = self._venue.quote(order.symbol, tick_of(at))
        listing = self._venue.listing(order.symbol)
        _insist(refuse_amendment(order, with_terms(order, wanted), listing, quote))
        levels = self._venue.levels_against(order.side, order.symbol, tick_of(at))
        return self._venue.matching(order.symbol).amend(order, wanted, levels, at)

    @asynccontextmanager
    async def _page(self, *, most: int | None = None) -> AsyncIterator[Page]:
        """The books up to the present moment; a refusal inside undoes nothing of that."""
        refused = None
        async with self._books.transaction() as books:
            page = await self._open(books)
            await page.match(self._waiting, most=most)
            if page.has_triggered:
                self._faults.crash(CrashPoint.BEFORE_TRIGGERING)
            news = await page.reports()
            try:
                yield page
            except ExchangeRejected as error:
                refused = error
        self._has_deposited = True
        self._waiting = page.teach(self._waiting)
        for report in news:
            self._desk.publish(report)
        if refused is not None:
            raise refused

    async def _open(self, books: BooksTransaction) -> Page:
        if not self._has_deposited:
            await books.deposit(self._venue.opening_balances)
        balances, numbers = await books.hold(), await books.last_numbers()
        # The time is read when every order before this one is booked.
        return Page(books, self._venue, balances, numbers, self._clock.now())

    def _is_due(self) -> bool:
        if self._waiting is None:
            return False
        now = tick_of(self._clock.now())
        ticks = ticks_after(self._waiting.tick, now)
        if self._waiting.next_due(ticks, self._venue.last) is not None:
            return True
        self._waiting.tick = max(self._waiting.tick, now)
        return False

    async def _refresh(self) -> None:
        """Learn now and then what other processes have booked."""
        now = self._clock.now()
        if self._refresh_at is not None and now < self._refresh_at:
            return
        async with self._books.snapshot() as books:
            numbers = await books.last_numbers()
            if self._waiting is None:
                self._waiting = WaitingOrders.of(await books.open_orders(), numbers)
            elif numbers.change > (known := self._waiting.change):
                changed = await books.changed_orders(known)
                self._waiting.learn(changed, since=known, numbers=numbers)
        self._refresh_at = now + _REFRESH


def _insist(refusal: Refusal | None) -> None:
    if refusal is not None:
        raise ExchangeRejected(refusal)


async def _find(books: BooksView, key: OrderKey) -> PaperOrder | None:
    number = number_of(key.exchange_order_id)
    by_number = None if number is None else await books.find_order(number)
    return by_number or await books.find_order_by_wire_id(key.wire_id)


def _arriving(intent: OrderIntent, number: int, at: datetime) -> PaperOrder:
    return PaperOrder(
        number=number,
        wire_id=intent.wire_id,
        symbol=intent.symbol,
        side=intent.side,
        type=intent.type,
        time_in_force=intent.time_in_force,
        reduce_only=intent.reduce_only,
        amount=intent.amount,
        price=intent.price,
        trigger_price=intent.trigger_price,
        status=OrderStatus.SUBMITTING,
        filled=money.ZERO,
        reserved=money.ZERO,
        created_at=at,
        updated_at=at,
    )
