"""Orders into the books and out of them, each change in one transaction."""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime

from app.domain import money
from app.domain.accounts import Balance
from app.domain.order_reports import OrderIntent, OrderKey, OrderReport
from app.domain.orders import OrderStatus
from app.domain.paper import PaperNumbers, PaperOrder, PaperTrade
from app.errors import ExchangeDoubt, ExchangeRejected
from app.exchanges.paper.admission import refuse
from app.exchanges.paper.books import Books, BooksTransaction, BooksView
from app.exchanges.paper.faults import CrashPoint, Faults
from app.exchanges.paper.matching import Execution, Matching, Outcome
from app.exchanges.paper.prices import time_of
from app.exchanges.paper.reports import number_of, report_of
from app.exchanges.paper.resting import Hit
from app.exchanges.paper.venue import Venue
from app.ports import Clock


@dataclass(frozen=True, kw_only=True, slots=True)
class Booked:
    """An order as it stands in the books, and the news of it."""

    order: PaperOrder
    report: OrderReport


@dataclass(frozen=True, kw_only=True, slots=True)
class OpenOrders:
    """The numbers of all orders that wait, and those of the orders that were asked for."""

    numbers: frozenset[int]
    unknown: tuple[PaperOrder, ...]


class Bookkeeper:
    """The only one to write into an account's books."""

    def __init__(self, books: Books, venue: Venue, clock: Clock, faults: Faults) -> None:
        self._books = books
        self._venue = venue
        self._clock = clock
        self._faults = faults
        self._has_deposited = False

    async def submit(self, intent: OrderIntent) -> Booked:
        """Book a new order, or raise and leave no trace of it."""
        matching = self._venue.matching(intent.symbol)
        async with self._page() as page:
            if await page.books.find_order_by_wire_id(intent.wire_id) is not None:
                raise ExchangeDoubt("duplicate: an order with this wire id was sent before")
            # The time is read when every order before this one is booked.
            order = _arriving(intent, page.numbers.order + 1, self._clock.now())
            outcome = self._arrive(order, matching)
            booked = page.settle(matching, outcome)
            await page.books.add_order(outcome.order)
            await page.write()
            self._faults.crash(CrashPoint.BEFORE_BOOKING)
        self._faults.crash(CrashPoint.AFTER_BOOKING)
        return booked

    async def cancel(self, key: OrderKey) -> Booked | None:
        """Take an order back if it still waits, and say how it stands."""
        async with self._page() as page:
            order = await _find(page.books, key)
            if order is None:
                return None
            trades = await page.books.trades(order.number)
            if not order.status.is_open:
                return Booked(order=order, report=report_of(order, trades))
            matching = self._venue.matching(order.symbol)
            outcome = matching.cancel(order, self._clock.now())
            booked = page.settle(matching, outcome, trades)
            await page.books.save_order(outcome.order)
            await page.write()
        return booked

    async def fill(self, hits: Iterable[Hit]) -> Sequence[Booked]:
        """Fill those of these orders that still wait, all in one transaction."""
        filled = []
        async with self._page() as page:
            for hit in hits:
                order = await page.books.find_order(hit.number)
                if order is None or not order.status.is_open:
                    continue
                trades = await page.books.trades(order.number) if order.filled else ()
                matching = self._venue.matching(order.symbol)
                outcome = matching.trade_through(order, time_of(hit.tick))
                filled.append(page.settle(matching, outcome, trades))
                await page.books.save_order(outcome.order)
            await page.write()
        self._faults.crash(CrashPoint.AFTER_MATCHING)
        return filled

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

    async def open_orders(self, *, known: frozenset[int]) -> OpenOrders:
        """Which orders wait, with all that there is to know of those not known."""
        async with self._books.snapshot() as books:
            numbers = await books.open_numbers()
            orders = await books.open_orders() if numbers - known else ()
            unknown = tuple(order for order in orders if order.number not in known)
            return OpenOrders(numbers=numbers, unknown=unknown)

    async def waiting(self) -> Sequence[OrderReport]:
        """Every order that waits, oldest first, with what it has traded."""
        async with self._books.snapshot() as books:
            return [
                report_of(order, await books.trades(order.number) if order.filled else ())
                for order in await books.open_orders()
            ]

    def _arrive(self, order: PaperOrder, matching: Matching) -> Outcome:
        levels = self._venue.levels_against(order.side, order.symbol, order.created_at)
        refusal = refuse(order, self._venue.listing(order.symbol), levels[0].price)
        if refusal is not None:
            raise ExchangeRejected(refusal)
        return matching.arrive(order, levels)

    @asynccontextmanager
    async def _page(self) -> AsyncIterator["_Page"]:
        async with self._books.transaction() as books:
            if not self._has_deposited:
                await books.deposit(self._venue.opening_balances)
            yield _Page(books, await books.hold(), await books.last_numbers())
        self._has_deposited = True


class _Page:
    """What one transaction is about to write."""

    def __init__(
        self, books: BooksTransaction, balances: Mapping[str, Balance], numbers: PaperNumbers
    ) -> None:
        self.books = books
        self.numbers = numbers
        self._before = balances
        self._changed: dict[str, Balance] = {}
        self._trades: list[PaperTrade] = []

    @property
    def balances(self) -> Mapping[str, Balance]:
        return {**self._before, **self._changed}

    def settle(
        self, matching: Matching, outcome: Outcome, trades: Iterable[PaperTrade] = ()
    ) -> Booked:
        """Move what the outcome costs; the trades are those that the order had before."""
        self._changed |= matching.settle(self.balances, outcome)
        new = [self._numbered(execution, outcome) for execution in outcome.executions]
        return Booked(order=outcome.order, report=report_of(outcome.order, [*trades, *new]))

    async def write(self) -> None:
        await self.books.add_trades(self._trades)
        await self.books.save_balances(
            balance for asset, balance in self._changed.items() if balance != self._before[asset]
        )

    def _numbered(self, execution: Execution, outcome: Outcome) -> PaperTrade:
        trade = PaperTrade(
            number=self.numbers.trade + len(self._trades) + 1,
            order_number=outcome.order.number,
            price=execution.price,
            amount=execution.amount,
            fee=execution.fee,
            is_maker=execution.is_maker,
            at=execution.at,
        )
        self._trades.append(trade)
        return trade


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
