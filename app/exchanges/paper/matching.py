"""How orders trade: against the best levels when they arrive, at their own price when they rest."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from app.domain import money
from app.domain.accounts import Balance
from app.domain.orders import Fee, OrderSide, OrderStatus, OrderType, TimeInForce
from app.domain.paper import PaperOrder
from app.errors import ExchangeRejected, Refusal, RefusalCode

_ONE = Decimal(1)


@dataclass(frozen=True, kw_only=True, slots=True)
class FeeRates:
    """Parts of the cost, for those who waited and for those who took."""

    maker: Decimal
    taker: Decimal

    @property
    def highest(self) -> Decimal:
        return max(self.maker, self.taker, money.ZERO)


@dataclass(frozen=True, kw_only=True, slots=True)
class Level:
    """Something to trade against; without an amount it never runs out."""

    price: Decimal
    amount: Decimal | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Execution:
    """A trade that has no number yet."""

    price: Decimal
    amount: Decimal
    cost: Decimal
    fee: Fee
    is_maker: bool
    at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """An order before and after something happened to it, with the trades that it was."""

    before: PaperOrder
    order: PaperOrder
    executions: tuple[Execution, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Matching:
    """The rules of one market, at one table of fees."""

    base: str
    quote: str
    rates: FeeRates

    def arrive(self, order: PaperOrder, levels: Sequence[Level]) -> Outcome:
        """Take what the order may of the other side's levels, best first, and rest or expire."""
        executions = tuple(
            self._execute(order, level, is_maker=False) for level in _within_reach(order, levels)
        )
        filled = money.total(execution.amount for execution in executions)
        if order.time_in_force is TimeInForce.FOK and filled != order.amount:
            executions, filled = (), money.ZERO
        arrived = replace(order, filled=filled, status=_status_on_arrival(order, filled))
        arrived = replace(arrived, reserved=self._reserve(arrived))
        return Outcome(before=order, order=arrived, executions=executions)

    def trade_through(self, order: PaperOrder, at: datetime) -> Outcome:
        """Fill the whole rest of a waiting order at its own price."""
        filled = replace(
            order,
            filled=order.amount,
            status=OrderStatus.FILLED,
            reserved=money.ZERO,
            updated_at=at,
        )
        rest = Level(price=_limit(order), amount=order.remaining)
        execution = replace(self._execute(order, rest, is_maker=True), at=at)
        return Outcome(before=order, order=filled, executions=(execution,))

    def cancel(self, order: PaperOrder, at: datetime) -> Outcome:
        """Take a waiting order back, and what was reserved for it."""
        canceled = replace(order, status=OrderStatus.CANCELED, reserved=money.ZERO, updated_at=at)
        return Outcome(before=order, order=canceled)

    def settle(self, balances: Mapping[str, Balance], outcome: Outcome) -> Mapping[str, Balance]:
        """Base and quote as they are afterwards; ExchangeRejected where they do not suffice."""
        base, quote = balances[self.base], balances[self.quote]
        amount = money.total(execution.amount for execution in outcome.executions)
        cost = money.total(execution.cost for execution in outcome.executions)
        fees = money.total(execution.fee.amount for execution in outcome.executions)
        reserve = money.subtract(outcome.order.reserved, outcome.before.reserved)
        match outcome.order.side:
            case OrderSide.BUY:
                quote = _pay(quote, spent=money.add(cost, fees), reserve=reserve)
                base = replace(base, free=money.add(base.free, amount))
            case OrderSide.SELL:
                base = _pay(base, spent=amount, reserve=reserve)
                quote = replace(quote, free=money.add(quote.free, money.subtract(cost, fees)))
        return {base.asset: base, quote.asset: quote}

    def _execute(self, order: PaperOrder, level: Level, *, is_maker: bool) -> Execution:
        amount = order.remaining if level.amount is None else level.amount
        cost = money.multiply(level.price, amount)
        rate = self.rates.maker if is_maker else self.rates.taker
        return Execution(
            price=level.price,
            amount=amount,
            cost=cost,
            fee=Fee(currency=self.quote, amount=money.multiply(cost, rate)),
            is_maker=is_maker,
            at=order.updated_at,
        )

    def _reserve(self, order: PaperOrder) -> Decimal:
        if not order.status.is_open:
            return money.ZERO
        match order.side:
            case OrderSide.BUY:
                cost = money.multiply(_limit(order), order.remaining)
                return money.multiply(cost, money.add(_ONE, self.rates.highest))
            case OrderSide.SELL:
                return order.remaining


def is_beyond(order: PaperOrder, last: Decimal) -> bool:
    """Whether a trade at this price went through a waiting order's own."""
    match order.side:
        case OrderSide.BUY:
            return last < _limit(order)
        case OrderSide.SELL:
            return last > _limit(order)


def takes(order: PaperOrder, best: Decimal) -> bool:
    """Whether an arriving order trades at once against the other side's best price."""
    if order.price is None:
        return True
    match order.side:
        case OrderSide.BUY:
            return best <= order.price
        case OrderSide.SELL:
            return best >= order.price


def _within_reach(order: PaperOrder, levels: Sequence[Level]) -> Iterator[Level]:
    """The levels that the order takes, cut to what it takes of each."""
    wanted = order.remaining
    for level in levels:
        if not wanted or not takes(order, level.price):
            return
        amount = wanted if level.amount is None else min(wanted, level.amount)
        wanted = money.subtract(wanted, amount)
        yield replace(level, amount=amount)


def _status_on_arrival(order: PaperOrder, filled: Decimal) -> OrderStatus:
    if filled == order.amount:
        return OrderStatus.FILLED
    rests = order.type is OrderType.LIMIT and order.time_in_force in {
        TimeInForce.GTC,
        TimeInForce.POST_ONLY,
    }
    if not rests:
        return OrderStatus.EXPIRED
    return OrderStatus.PARTIALLY_FILLED if filled else OrderStatus.OPEN


def _limit(order: PaperOrder) -> Decimal:
    assert order.price is not None  # noqa: S101 - only orders with a price come to rest
    return order.price


def _pay(balance: Balance, *, spent: Decimal, reserve: Decimal) -> Balance:
    needed = money.add(spent, reserve)
    if needed > balance.free:
        raise ExchangeRejected(
            Refusal(
                code=RefusalCode.INSUFFICIENT_FUNDS,
                message=f"needed: {money.plain(needed)} {balance.asset}, "
                f"free: {money.plain(balance.free)} {balance.asset}",
                field=("amount",),
                retryable=True,
            )
        )
    return Balance(
        asset=balance.asset,
        free=money.subtract(balance.free, needed),
        used=money.add(balance.used, reserve),
    )
