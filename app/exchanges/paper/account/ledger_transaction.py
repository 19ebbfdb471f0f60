"""LedgerTransaction: matches, settles and liquidates, and writes it all to the ledger at once."""

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
    """One transaction on an account's ledger; every other writer waits."""

    def __init__(
        self, store: LedgerUpdate, matching: Matching, balances: Mapping[str, PaperBalance],
        numbers: PaperNumbers, now: datetime,
    ) -> None:  # fmt: skip
        self.store = store
        self.numbers = numbers
        # One time for everything in this transaction.
        self.now = now
        self.balances = dict(balances)
        # The orders that were matched, as they are afterwards.
        self.matched: dict[int, PaperOrder] = {}
        self.has_triggered = False
        self.liquidated: list[PaperOrder] = []
        self._matching = matching
        self._start = numbers
        self._resting: RestingOrders | None = None
        self._positions: dict[str, PaperPosition] = {}
        self._changed: list[PaperOrder] = []
        self._changed_since = numbers.change
        self._forget_pending()

    async def replay(
        self, simulated: SimulatedMarkets, known: RestingOrders | None, *, most: int | None = None
    ) -> None:
        """Match the open orders against every tick until now; stop once `most` have traded."""
        until = tick_of(self.now)
        if not ticks_after(self.numbers.tick, until):
            return
        resting = await self.sync(known)
        ticks = ticks_after(max(self.numbers.tick, resting.tick), until)
        tick = resting.next_due(ticks, simulated.last)
        if tick is not None:
            # A copy: what this process knows must not change before the commit.
            resting = self._resting = resting.copy()
        while tick is not None and (most is None or len(self.matched) < most):
            liquidity = TickLiquidity(simulated, tick)
            self._apply_prices(resting, liquidity, liquidity.due(resting))
            self._advance_to(tick)
            tick = resting.next_due(range(tick + 1, until + 1), simulated.last)
        if tick is None:
            self._advance_to(until)
        await self.write()

    async def match_against(
        self, liquidity: Liquidity, known: RestingOrders | None, *, most: int
    ) -> None:
        """Match the open orders against the current liquidity, at most `most` of them."""
        resting = await self.sync(known)
        due = liquidity.due(resting)[:most]
        if due or resting.margin_account.called(liquidity.mark):
            resting = self._resting = resting.copy()
            self._apply_prices(resting, liquidity, due)
        await self.write()

    async def sync(self, known: RestingOrders | None) -> RestingOrders:
        """All open orders; what this process knows already is not read again."""
        if self._resting is None:
            self._resting = await self._read(known)
            self._positions = dict(self._resting.margin_account.positions)
        return self._resting

    def update_known(self, known: RestingOrders | None) -> RestingOrders | None:
        """After the commit: add its changes to the resting orders that this process knows."""
        known = known or self._resting
        if known is not None:
            since, margin_account = self._changed_since, self._margin_account
            known.learn(self._changed, margin_account, since=since, numbers=self.numbers)
        return known

    async def admitted(self, order: PaperOrder) -> PaperOrder:
        """A new order with its leverage. Raises ExchangeRejected if others conflict with it."""
        if not order.is_on_margin:
            return order
        return margins.admitted(order, self._position(order), await self._orders_in_market(order))

    async def check_reduction(self, order: PaperOrder) -> None:
        """Raises ExchangeRejected if an open order would reduce more than there is."""
        if order.remaining:
            margins.check_reduction(
                order, self._position(order), await self._orders_in_market(order)
            )

    def most_of(self, order: PaperOrder) -> Decimal | None:
        """The most that the order may trade now; None if nothing limits it."""
        return margins.most_of(order, self._position(order))

    def settle(self, outcome: Outcome) -> tuple[PaperOrder, Sequence[PaperTrade]]:
        """Book an outcome. Raises ExchangeRejected and moves nothing if it cannot be paid."""
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
        if self.numbers.change != self._start.change and self.numbers.tick != self._start.tick:
            await self.store.save_tick(self.numbers.tick)
        self._forget_pending()

    async def reports(self) -> list[OrderReport]:
        """Reports of every order that was matched."""
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

    async def _orders_in_market(self, order: PaperOrder) -> Sequence[PaperOrder]:
        return (await self.sync(None)).of_market(order.symbol)

    async def _read(self, known: RestingOrders | None) -> RestingOrders:
        if known is None:
            orders = await self.store.open_orders()
            return RestingOrders.of(orders, self._start, await self._read_margin_account())
        if known.change == self._start.change:
            return known
        self._changed_since = known.change
        self._changed[:0] = await self.store.changed_orders(known.change)
        current = known.copy()
        margin_account = await self._read_margin_account()
        current.learn(self._changed, margin_account, since=self._changed_since, numbers=self._start)
        return current

    async def _read_margin_account(self) -> MarginAccount:
        return MarginAccount.of(await self.store.positions(), self.balances)

    def _apply_prices(
        self, resting: RestingOrders, liquidity: Liquidity, due: Iterable[PaperOrder]
    ) -> None:
        """Apply one set of prices: match the orders first, then liquidate positions."""
        self._match_due(resting, liquidity, due)
        resting.margin_account = self._margin_account
        for quote in resting.margin_account.called(liquidity.mark):
            if not any(map(liquidity.is_older_than, resting.margin_account.open_in(quote))):
                self._liquidate(quote, resting, liquidity)
        resting.margin_account = self._margin_account

    def _match_due(
        self, resting: RestingOrders, liquidity: Liquidity, due: Iterable[PaperOrder]
    ) -> None:
        for order in due:
            funds = Funds(free=self.balances[order.quote].free, most=self.most_of(order))
            outcome = liquidity.match(order, funds)
            if funds.most == money.ZERO:
                outcome = _ended(order, refusals.nothing_to_reduce(order), liquidity.at)
            if outcome is not None:
                settled = self._settle_or_expire(outcome)
                self.has_triggered |= settled.triggered_at != order.triggered_at
                self._note(resting, settled)

    def _liquidate(self, quote: str, resting: RestingOrders, liquidity: Liquidity) -> None:
        """Expire every margin order in this quote, and close every position at the market."""
        positions = resting.margin_account.open_in(quote)
        closing = [position for position in positions if _levels(position, liquidity)]
        if not closing:
            return
        margin = resting.margin_account.margin_level(quote, liquidity.mark)
        refusal = refusals.liquidated(quote, None if margin is None else margin.level)
        for order in resting.on_margin(quote):
            self._note(resting, self.settle(_ended(order, refusal, liquidity.at))[0])
        for position in closing:
            order = order_that_closes(position, self.numbers.order + 1, liquidity.at)
            closed, _ = self.settle(self._matching.arrive(order, _levels(position, liquidity)))
            self._note(resting, closed)
            self.liquidated.append(closed)

    def _note(self, resting: RestingOrders, order: PaperOrder) -> None:
        self.matched[order.number] = order
        resting.put(order)

    def _settle_on_margin(self, outcome: Outcome) -> PaperOrder:
        quote = self.balances[outcome.order.quote]
        rates = self._matching.rates
        settled = margins.settled(outcome, self._position(outcome.order), quote, rates)
        order = self._numbered(settled.outcome)
        position = replace(settled.position, change=self.numbers.change)
        self._positions[order.symbol] = self._traded[order.symbol] = position
        quote = settled.quote
        positions = self._positions.values()
        if not any(other.amount and other.quote == quote.asset for other in positions):
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
            # Fees have risen since the money was reserved, or the money was lost.
            after = expired(outcome.before, error.refusal)
            at, triggered_at = outcome.order.updated_at, outcome.order.triggered_at
            after = replace(after, updated_at=at, triggered_at=triggered_at)
            return self.settle(Outcome(before=outcome.before, order=after))[0]

    def _advance_to(self, tick: int) -> None:
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


def _levels(position: PaperPosition, liquidity: Liquidity) -> Sequence[BookLevel]:
    """The levels that the position can be closed against."""
    return liquidity.levels(closing_side(position), position.symbol)


def _ended(order: PaperOrder, refusal: Refusal, at: datetime) -> Outcome:
    return Outcome(before=order, order=replace(expired(order, refusal), updated_at=at))
