"""Matching: orders trade against the order book on arrival, and at their own price at rest."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from app.domain import money
from app.domain.fills import Fee
from app.domain.markets.markets import FeeRates
from app.domain.markets.order_books import BookLevel
from app.domain.order_kinds import OrderSide, TimeInForce
from app.domain.orders.order import OrderStatus
from app.domain.orders.terms import AmendableTerms
from app.domain.paper_ledger import PaperBalance, PaperOrder
from app.errors import ExchangeRejected, Refusal
from app.exchanges.paper.account import refusals
from app.exchanges.paper.account.crossing import limit_of, takes, trigger_of

_ONE = Decimal(1)


@dataclass(frozen=True, kw_only=True, slots=True)
class Execution:
    """A trade that has no trade number yet."""

    price: Decimal
    amount: Decimal
    cost: Decimal
    fee: Fee
    is_maker: bool
    at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """An order before and after an action, with the trades that came of it."""

    before: PaperOrder
    order: PaperOrder
    executions: tuple[Execution, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class SpendingLimit:
    """What may be spent beyond the order's reserve, and the market's amount step."""

    free: Decimal
    amount_step: Decimal


@dataclass(frozen=True, kw_only=True, slots=True)
class Matching:
    """Matches orders at given fee rates."""

    rates: FeeRates

    def place(self, order: PaperOrder, levels: Iterable[BookLevel]) -> Outcome:
        """Place a new order: it arrives at the book, or waits for its trigger."""
        if not order.awaits_trigger:
            return self.arrive(order, levels)
        return Outcome(
            before=order, order=self._with_reserve(replace(order, status=OrderStatus.OPEN))
        )

    def arrive(self, order: PaperOrder, levels: Iterable[BookLevel]) -> Outcome:
        """Take what the order can of the other side, best first; the remainder rests or expires."""
        reachable = tuple(_within_reach(order, levels))
        amount = money.total(level.amount for level in reachable)
        if order.time_in_force is TimeInForce.FOK and amount != order.remaining:
            return Outcome(before=order, order=expired(order, refusals.not_whole(order, amount)))
        arrived = replace(order, filled=money.add(order.filled, amount))
        arrived = self._with_reserve(replace(arrived, status=_status_on_arrival(arrived)))
        if arrived.status is OrderStatus.EXPIRED:
            arrived = replace(arrived, refusal=refusals.not_at_once(arrived))
        taken = tuple(self._execute(order, level, is_maker=False) for level in reachable)
        return Outcome(before=order, order=arrived, executions=taken)

    def trigger(
        self, order: PaperOrder, levels: Sequence[BookLevel], spending: SpendingLimit, at: datetime
    ) -> Outcome:
        """Let a triggered order arrive; it takes no more than can be paid."""
        triggered = replace(order, triggered_at=at, updated_at=at)
        best = levels[0].price
        if order.time_in_force is TimeInForce.POST_ONLY and takes(order, best):
            return Outcome(before=order, order=expired(triggered, refusals.would_take(best)))
        reachable = tuple(_within_reach(triggered, levels))
        affordable = reachable
        if order.side is OrderSide.BUY and not order.is_on_margin:
            spending = replace(spending, free=money.add(spending.free, order.reserved))
            affordable = tuple(self._affordable(reachable, spending))
        outcome = self.arrive(triggered, affordable)
        if affordable == reachable or outcome.order.waits:
            return outcome
        words = refusals.money_ran_out(outcome.order)
        return replace(outcome, order=replace(outcome.order, refusal=words))

    def trade_through(self, order: PaperOrder, amount: Decimal, at: datetime) -> Outcome:
        """Fill `amount` of a resting order at its own price."""
        filled = money.add(order.filled, amount)
        is_done = filled == order.amount
        status = OrderStatus.FILLED if is_done else OrderStatus.PARTIALLY_FILLED
        after = self._with_reserve(replace(order, filled=filled, status=status, updated_at=at))
        level = BookLevel(price=limit_of(order), amount=amount)
        execution = self._execute(after, level, is_maker=True)
        return Outcome(before=order, order=after, executions=(execution,))

    def amend(
        self, order: PaperOrder, wanted: AmendableTerms, levels: Iterable[BookLevel], at: datetime
    ) -> Outcome:
        """Amend a resting order in place; at another price it arrives anew."""
        amended = replace(
            order, terms=order.terms.amended(wanted), amendments=order.amendments + 1, updated_at=at
        )
        if not amended.remaining:
            closed = self._with_reserve(replace(amended, status=OrderStatus.CANCELED))
            return Outcome(before=order, order=closed)
        if amended.awaits_trigger or amended.price == order.price:
            return Outcome(before=order, order=self._with_reserve(amended))
        return self.arrive(amended, levels)

    def cancel(self, order: PaperOrder, at: datetime) -> Outcome:
        """Cancel a resting order and free its reserve."""
        canceled = self._with_reserve(replace(order, status=OrderStatus.CANCELED, updated_at=at))
        return Outcome(before=order, order=canceled)

    def settle(
        self, balances: Mapping[str, PaperBalance], outcome: Outcome
    ) -> Mapping[str, PaperBalance]:
        """Base and quote balance afterwards. Raises ExchangeRejected if they do not suffice."""
        base, quote = balances[outcome.order.base], balances[outcome.order.quote]
        amount = money.total(execution.amount for execution in outcome.executions)
        cost = money.total(execution.cost for execution in outcome.executions)
        fees = money.total(execution.fee.amount for execution in outcome.executions)
        reserve = money.subtract(outcome.order.reserved, outcome.before.reserved)
        match outcome.order.side:
            case OrderSide.BUY:
                quote = _pay(quote, spent=money.add(cost, fees), reserve=reserve)
                base = base.moved(gained=amount, set_aside=money.ZERO)
            case OrderSide.SELL:
                base = _pay(base, spent=amount, reserve=reserve)
                gained = money.subtract(cost, fees)
                quote = quote.moved(gained=gained, set_aside=money.ZERO)
        return {base.asset: base, quote.asset: quote}

    def _affordable(
        self, levels: Iterable[BookLevel], spending: SpendingLimit
    ) -> Iterator[BookLevel]:
        """The levels, up to where the money, including fees, runs out."""
        budget = spending.free
        for level in levels:
            each = money.multiply(level.price, money.add(_ONE, self.rates.taker))
            amount = min(level.amount, _quotient_on_step(budget, each, spending.amount_step))
            budget = money.subtract(budget, money.multiply(amount, each))
            if amount:
                yield replace(level, amount=amount)
            if amount < level.amount:
                return

    def _execute(self, order: PaperOrder, level: BookLevel, *, is_maker: bool) -> Execution:
        cost = money.multiply(level.price, level.amount)
        rate = self.rates.maker if is_maker else self.rates.taker
        return Execution(
            price=level.price,
            amount=level.amount,
            cost=cost,
            fee=Fee(currency=order.quote, amount=money.multiply(cost, rate)),
            is_maker=is_maker,
            at=order.updated_at,
        )

    def _with_reserve(self, order: PaperOrder) -> PaperOrder:
        """The order with the reserve for its unfilled rest."""
        return replace(order, reserved=self._reserve(order))

    def _reserve(self, order: PaperOrder) -> Decimal:
        if not order.waits or order.is_on_margin:
            # A margin order's reserve depends on the position too (see margins).
            return money.ZERO
        match order.side:
            case OrderSide.BUY:
                price = trigger_of(order) if order.price is None else order.price
                highest = max(self.rates.maker, self.rates.taker, money.ZERO)
                cost = money.multiply(price, order.remaining)
                return money.multiply(cost, money.add(_ONE, highest))
            case OrderSide.SELL:
                return order.remaining


def expired(order: PaperOrder, refusal: Refusal) -> PaperOrder:
    return replace(order, status=OrderStatus.EXPIRED, reserved=money.ZERO, refusal=refusal)


def _within_reach(order: PaperOrder, levels: Iterable[BookLevel]) -> Iterator[BookLevel]:
    """The levels that the order takes, cut to what it takes of each."""
    wanted = order.remaining
    for level in levels:
        if not takes(order, level.price):
            return
        amount = min(wanted, level.amount)
        wanted = money.subtract(wanted, amount)
        yield level if amount == level.amount else replace(level, amount=amount)
        if not wanted:
            return


def _quotient_on_step(budget: Decimal, each: Decimal, step: Decimal) -> Decimal:
    amount = money.floor_to_step(money.divide(budget, each), step)
    # The quotient is rounded, sometimes up to the next step.
    if money.multiply(amount, each) > budget:
        return money.subtract(amount, step)
    return amount


def _status_on_arrival(order: PaperOrder) -> OrderStatus:
    if not order.remaining:
        return OrderStatus.FILLED
    if not order.type.has_price or order.time_in_force in {TimeInForce.IOC, TimeInForce.FOK}:
        return OrderStatus.EXPIRED
    return OrderStatus.PARTIALLY_FILLED if order.filled else OrderStatus.OPEN


def _pay(balance: PaperBalance, *, spent: Decimal, reserve: Decimal) -> PaperBalance:
    needed = money.add(spent, reserve)
    if needed > max(balance.free, money.ZERO) or spent > max(balance.total, money.ZERO):
        raise ExchangeRejected(refusals.insufficient(max(needed, spent), balance))
    return balance.moved(gained=spent.copy_negate(), set_aside=reserve)
