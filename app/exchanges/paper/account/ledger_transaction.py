"""What one transaction writes into an account's books, all of it or nothing."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal

from app.domain import money
from app.domain.markets.order_books import BookLevel
from app.domain.orders.order import OrderStatus
from app.domain.orders.reports import OrderReport
from app.domain.paper_ledger import (
    PaperBalance,
    PaperNumbers,
    PaperOrder,
    PaperPosition,
    PaperTrade,
)
from app.errors import ExchangeRejected, Refusal
from app.exchanges.paper.account import margins, refusals
from app.exchanges.paper.account.ledger import LedgerUpdate
from app.exchanges.paper.account.liquidations import closing_side, order_that_closes
from app.exchanges.paper.account.liquidity import Funds, Liquidity, TickLiquidity
from app.exchanges.paper.account.margin_account import MarginAccount
from app.exchanges.paper.account.matching import Execution, Matching, Outcome, expired
from app.exchanges.paper.account.reports import report_of
from app.exchanges.paper.account.resting_orders import RestingOrders, ticks_after
from app.exchanges.paper.prices.price_path import tick_of
from app.exchanges.paper.prices.simulated_markets import SimulatedMarkets


class LedgerTransaction:
    """The books under one hand, with every other writer kept waiting."""

    def __init__(
        self, store: LedgerUpdate, matching: Matching, balances: Mapping[str, PaperBalance],
        numbers: PaperNumbers, now: datetime,
    ) -> None:  # fmt: skip
        self.store = store
        self.numbers = numbers
        # One time for all that is done here.
        self.now = now
        self.balances = dict(balances)
        # The orders that met a tick, as they are after it.
        self.matched: dict[int, PaperOrder] = {}
        self.has_triggered = False
        self.liquidated: list[PaperOrder] = []
        self._matching = matching
        self._found = numbers
        self._waiting: RestingOrders | None = None
        self._positions: dict[str, PaperPosition] = {}
        self._changed: list[PaperOrder] = []
        self._changed_since = numbers.change
        self._forget_pending()

    async def replay(
        self, simulated: SimulatedMarkets, known: RestingOrders | None, *, most: int | None = None
    ) -> None:
        """Let the orders that wait meet every tick until now; stop where many have traded."""
        until = tick_of(self.now)
        if not ticks_after(self.numbers.tick, until):
            return
        waiting = await self.sync(known)
        ticks = ticks_after(max(self.numbers.tick, waiting.tick), until)
        tick = waiting.next_due(ticks, simulated.last)
        if tick is not None:
            # What this process knows changes with the commit, and not before it.
            waiting = self._waiting = waiting.copy()
        while tick is not None and (most is None or len(self.matched) < most):
            offers = TickLiquidity(simulated, tick)
            self._face(waiting, offers, offers.due(waiting))
            self._reach(tick)
            tick = waiting.next_due(range(tick + 1, until + 1), simulated.last)
        if tick is None:
            self._reach(until)
        await self.write()

    async def meet(self, offers: Liquidity, known: RestingOrders | None, *, most: int) -> None:
        """Let the orders that wait meet what is offered now, so many of them at once."""
        waiting = await self.sync(known)
        due = offers.due(waiting)[:most]
        if due or waiting.margin_account.called(offers.mark):
            waiting = self._waiting = waiting.copy()
            self._face(waiting, offers, due)
        await self.write()

    async def sync(self, known: RestingOrders | None) -> RestingOrders:
        """Every order that waits; what this process knows already is not read again."""
        if self._waiting is None:
            self._waiting = await self._read(known)
            self._positions = dict(self._waiting.margin_account.positions)
        return self._waiting

    def teach(self, known: RestingOrders | None) -> RestingOrders | None:
        """After the commit, what this process knows from now on."""
        known = known or self._waiting
        if known is not None:
            since, margin_account = self._changed_since, self._margin_account
            known.learn(self._changed, margin_account, since=since, numbers=self.numbers)
        return known

    async def admitted(self, order: PaperOrder) -> PaperOrder:
        """A new order as it trades; ExchangeRejected where it has no place beside the others."""
        if not order.is_on_margin:
            return order
        return margins.admitted(order, self._position(order), await self._beside(order))

    async def check_reduction(self, order: PaperOrder) -> None:
        """ExchangeRejected where an order that waits would come to reduce too much."""
        if order.remaining:
            margins.check_reduction(order, self._position(order), await self._beside(order))

    def most_of(self, order: PaperOrder) -> Decimal | None:
        """How much it may trade at most just now; None where nothing limits it."""
        return margins.most_of(order, self._position(order))

    def settle(self, outcome: Outcome) -> tuple[PaperOrder, Sequence[PaperTrade]]:
        """Move what the outcome costs; ExchangeRejected, and nothing moved, where it cannot be."""
        if outcome.order.is_on_margin:
            order = self._settle_on_margin(outcome)
        else:
            self._move(self._matching.settle(self.balances, outcome))
            order = self._numbered(outcome)
        trades = [self._trade(execution, order) for execution in outcome.executions]
        self._trades += trades
        is_new = outcome.before.status is OrderStatus.SUBMITTING
        (self._new if is_new else self._saved)[order.number] = order
        return order, trades

    async def write(self) -> None:
        for order in self._new.values():
            await self.store.add_order(order)
        await self.store.save_orders(self._saved.values())
        await self.store.add_trades(self._trades)
        await self.store.save_balances(self._moved.values())
        await self.store.save_positions(self._traded.values())
        if self.numbers.change != self._found.change and self.numbers.tick != self._found.tick:
            await self.store.save_tick(self.numbers.tick)
        self._forget_pending()

    async def reports(self) -> list[OrderReport]:
        """News of every order that met a tick."""
        return [
            report_of(order, await self.store.trades(order.number) if order.filled else ())
            for order in self.matched.values()
        ]

    def _forget_pending(self) -> None:
        self._new: dict[int, PaperOrder] = {}
        self._saved: dict[int, PaperOrder] = {}
        self._trades: list[PaperTrade] = []
        self._moved: dict[str, PaperBalance] = {}
        self._traded: dict[str, PaperPosition] = {}

    @property
    def _margin_account(self) -> MarginAccount:
        return MarginAccount.of(self._positions.values(), self.balances)

    def _position(self, order: PaperOrder) -> PaperPosition | None:
        return self._positions.get(order.symbol)

    async def _beside(self, order: PaperOrder) -> Sequence[PaperOrder]:
        return (await self.sync(None)).of_market(order.symbol)

    async def _read(self, known: RestingOrders | None) -> RestingOrders:
        if known is None:
            orders = await self.store.open_orders()
            return RestingOrders.of(orders, self._found, await self._read_stakes())
        if known.change == self._found.change:
            return known
        self._changed_since = known.change
        self._changed[:0] = await self.store.changed_orders(known.change)
        current = known.copy()
        margin_account = await self._read_stakes()
        current.learn(self._changed, margin_account, since=self._changed_since, numbers=self._found)
        return current

    async def _read_stakes(self) -> MarginAccount:
        return MarginAccount.of(await self.store.positions(), self.balances)

    def _face(self, waiting: RestingOrders, offers: Liquidity, due: Iterable[PaperOrder]) -> None:
        """What becomes of everything at one price: first of the orders, then of the positions."""
        self._meet(waiting, offers, due)
        waiting.margin_account = self._margin_account
        for quote in waiting.margin_account.called(offers.mark):
            if not any(map(offers.is_older_than, waiting.margin_account.open_in(quote))):
                self._liquidate(quote, waiting, offers)
        waiting.margin_account = self._margin_account

    def _meet(self, waiting: RestingOrders, offers: Liquidity, due: Iterable[PaperOrder]) -> None:
        for order in due:
            means = Funds(free=self.balances[order.quote].free, most=self.most_of(order))
            outcome = offers.meet(order, means)
            if means.most == money.ZERO:
                outcome = _ended(order, refusals.nothing_to_reduce(order), offers.at)
            if outcome is not None:
                settled = self._settle_or_expire(outcome)
                self.has_triggered |= settled.triggered_at != order.triggered_at
                self._note(waiting, settled)

    def _liquidate(self, quote: str, waiting: RestingOrders, offers: Liquidity) -> None:
        """End every margin order that waits there, and close every position at the market."""
        closing = [one for one in waiting.margin_account.open_in(quote) if _levels(one, offers)]
        if not closing:
            return
        standing = waiting.margin_account.standing(quote, offers.mark)
        refusal = refusals.liquidated(quote, None if standing is None else standing.level)
        for order in waiting.on_margin(quote):
            self._note(waiting, self.settle(_ended(order, refusal, offers.at))[0])
        for position in closing:
            order = order_that_closes(position, self.numbers.order + 1, offers.at)
            closed, _ = self.settle(self._matching.arrive(order, _levels(position, offers)))
            self._note(waiting, closed)
            self.liquidated.append(closed)

    def _note(self, waiting: RestingOrders, order: PaperOrder) -> None:
        self.matched[order.number] = order
        waiting.put(order)

    def _settle_on_margin(self, outcome: Outcome) -> PaperOrder:
        quote = self.balances[outcome.order.quote]
        rates = self._matching.rates
        settled = margins.settled(outcome, self._position(outcome.order), quote, rates)
        order = self._numbered(settled.outcome)
        position = replace(settled.position, change=self.numbers.change)
        self._positions[order.symbol] = self._traded[order.symbol] = position
        quote = settled.quote
        if not any(one.amount and one.quote == quote.asset for one in self._positions.values()):
            # With nothing left to pay it from, a debt is the exchange's own loss.
            quote = quote.forgiven()
        self._move({quote.asset: quote})
        return order

    def _move(self, moved: Mapping[str, PaperBalance]) -> None:
        self.balances |= moved
        self._moved |= moved

    def _settle_or_expire(self, outcome: Outcome) -> PaperOrder:
        try:
            return self.settle(outcome)[0]
        except ExchangeRejected as error:
            # Fees have risen since the money was set aside, or it was lost.
            after = expired(outcome.before, error.refusal)
            at, triggered_at = outcome.order.updated_at, outcome.order.triggered_at
            after = replace(after, updated_at=at, triggered_at=triggered_at)
            return self.settle(Outcome(before=outcome.before, order=after))[0]

    def _reach(self, tick: int) -> None:
        self.numbers = replace(self.numbers, tick=tick)

    def _numbered(self, outcome: Outcome) -> PaperOrder:
        order = outcome.order
        self.numbers = replace(self.numbers, order=max(self.numbers.order, order.number))
        is_watched = order.is_on_margin or self._margin_account.touches((order.base, order.quote))
        if not (outcome.before.waits or order.waits or is_watched):
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


def _levels(position: PaperPosition, offers: Liquidity) -> Sequence[BookLevel]:
    """What it can be closed against."""
    return offers.levels(closing_side(position), position.symbol)


def _ended(order: PaperOrder, refusal: Refusal, at: datetime) -> Outcome:
    return Outcome(before=order, order=replace(expired(order, refusal), updated_at=at))
