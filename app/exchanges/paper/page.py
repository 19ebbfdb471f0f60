"""What one transaction writes into an account's books, all of it or nothing."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from app.domain.accounts import Balance
from app.domain.order_reports import OrderReport
from app.domain.orders import OrderStatus
from app.domain.paper import PaperNumbers, PaperOrder, PaperTrade
from app.errors import ExchangeRejected
from app.exchanges.paper.books import BooksTransaction
from app.exchanges.paper.matching import Execution, Matching, Outcome, expired
from app.exchanges.paper.offers import Offers, TickOffers
from app.exchanges.paper.prices import tick_of
from app.exchanges.paper.reports import report_of
from app.exchanges.paper.venue import Venue
from app.exchanges.paper.waiting import WaitingOrders, ticks_after


class Page:
    """The books under one hand, with every other writer kept waiting."""

    def __init__(
        self, books: BooksTransaction, matching: Matching, balances: Mapping[str, Balance],
        numbers: PaperNumbers, now: datetime,
    ) -> None:  # fmt: skip
        self.books = books
        self.numbers = numbers
        # One time for all that is done here.
        self.now = now
        self.balances = dict(balances)
        # The orders that met a tick, as they are after it.
        self.matched: dict[int, PaperOrder] = {}
        self.has_triggered = False
        self._matching = matching
        self._found = numbers
        self._waiting: WaitingOrders | None = None
        self._changed: list[PaperOrder] = []
        self._changed_since = numbers.change
        self._forget_pending()

    async def replay(
        self, venue: Venue, known: WaitingOrders | None, *, most: int | None = None
    ) -> None:
        """Let the orders that wait meet every tick until now; stop where many have traded."""
        until = tick_of(self.now)
        if not ticks_after(self.numbers.tick, until):
            return
        waiting = await self.sync(known)
        ticks = ticks_after(max(self.numbers.tick, waiting.tick), until)
        tick = waiting.next_due(ticks, venue.last)
        if tick is not None:
            # What this process knows changes with the commit, and not before it.
            waiting = self._waiting = waiting.copy()
        while tick is not None and (most is None or len(self.matched) < most):
            offers = TickOffers(venue, tick)
            self._meet(waiting, offers, offers.due(waiting))
            self._reach(tick)
            tick = waiting.next_due(range(tick + 1, until + 1), venue.last)
        if tick is None:
            self._reach(until)
        await self.write()

    async def meet(self, offers: Offers, known: WaitingOrders | None, *, most: int) -> None:
        """Let the orders that wait meet what is offered now, so many of them at once."""
        waiting = await self.sync(known)
        due = offers.due(waiting)[:most]
        if due:
            waiting = self._waiting = waiting.copy()
        self._meet(waiting, offers, due)
        await self.write()

    async def sync(self, known: WaitingOrders | None) -> WaitingOrders:
        """Every order that waits; what this process knows already is not read again."""
        if self._waiting is None:
            self._waiting = await self._read(known)
        return self._waiting

    def teach(self, known: WaitingOrders | None) -> WaitingOrders | None:
        """After the commit, what this process knows from now on."""
        known = known or self._waiting
        if known is not None:
            known.learn(self._changed, since=self._changed_since, numbers=self.numbers)
        return known

    def settle(self, outcome: Outcome) -> tuple[PaperOrder, Sequence[PaperTrade]]:
        """Move what the outcome costs; ExchangeRejected, and nothing moved, where it cannot be."""
        moved = self._matching.settle(self.balances, outcome)
        self.balances |= moved
        self._moved |= moved
        order = self._numbered(outcome)
        trades = [self._trade(execution, order) for execution in outcome.executions]
        self._trades += trades
        is_new = outcome.before.status is OrderStatus.SUBMITTING
        (self._new if is_new else self._saved)[order.number] = order
        return order, trades

    async def write(self) -> None:
        for order in self._new.values():
            await self.books.add_order(order)
        await self.books.save_orders(self._saved.values())
        await self.books.add_trades(self._trades)
        await self.books.save_balances(self._moved.values())
        if self.numbers.change != self._found.change and self.numbers.tick != self._found.tick:
            await self.books.save_tick(self.numbers.tick)
        self._forget_pending()

    async def reports(self) -> list[OrderReport]:
        """News of every order that met a tick."""
        return [
            report_of(order, await self.books.trades(order.number) if order.filled else ())
            for order in self.matched.values()
        ]

    def _forget_pending(self) -> None:
        self._new: dict[int, PaperOrder] = {}
        self._saved: dict[int, PaperOrder] = {}
        self._trades: list[PaperTrade] = []
        self._moved: dict[str, Balance] = {}

    async def _read(self, known: WaitingOrders | None) -> WaitingOrders:
        if known is None:
            return WaitingOrders.of(await self.books.open_orders(), self._found)
        if known.change == self._found.change:
            return known
        self._changed_since = known.change
        self._changed[:0] = await self.books.changed_orders(known.change)
        current = known.copy()
        current.learn(self._changed, since=self._changed_since, numbers=self._found)
        return current

    def _meet(self, waiting: WaitingOrders, offers: Offers, due: Iterable[PaperOrder]) -> None:
        for order in due:
            outcome = offers.meet(order, self.balances[order.quote].free)
            if outcome is not None:
                settled = self._settle_or_expire(outcome)
                self.has_triggered |= settled.triggered_at != order.triggered_at
                self.matched[order.number] = settled
                waiting.put(settled)

    def _settle_or_expire(self, outcome: Outcome) -> PaperOrder:
        try:
            return self.settle(outcome)[0]
        except ExchangeRejected as error:
            # Fees have risen since the money was set aside.
            after = expired(outcome.before, error.refusal)
            at, triggered_at = outcome.order.updated_at, outcome.order.triggered_at
            after = replace(after, updated_at=at, triggered_at=triggered_at)
            return self.settle(Outcome(before=outcome.before, order=after))[0]

    def _reach(self, tick: int) -> None:
        self.numbers = replace(self.numbers, tick=tick)

    def _numbered(self, outcome: Outcome) -> PaperOrder:
        order = outcome.order
        self.numbers = replace(self.numbers, order=max(self.numbers.order, order.number))
        if not (outcome.before.waits or order.waits):
            return order
        self.numbers = replace(self.numbers, change=self.numbers.change + 1)
        order = replace(order, change=self.numbers.change)
        self._changed.append(order)
        return order

    def _trade(self, execution: Execution, order: PaperOrder) -> PaperTrade:
        self.numbers = replace(self.numbers, trade=self.numbers.trade + 1)
        return PaperTrade(
            number=self.numbers.trade,
            order_number=order.number,
            price=execution.price,
            amount=execution.amount,
            fee=execution.fee,
            is_maker=execution.is_maker,
            at=execution.at,
        )
