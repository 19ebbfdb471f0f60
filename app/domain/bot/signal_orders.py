"""What a signal comes to: an order, or why there is none."""

from dataclasses import dataclass
from decimal import Decimal

from app.domain import money
from app.domain.bot.bot import Assignment
from app.domain.markets.markets import Market
from app.domain.order_kinds import OrderSide
from app.domain.portfolio.positions import Holding
from app.domain.signals import Signal

_ONE = Decimal(1)


@dataclass(frozen=True, kw_only=True, slots=True)
class SignalOrder:
    """A market order of this side and amount."""

    side: OrderSide
    amount: Decimal


@dataclass(frozen=True, kw_only=True, slots=True)
class StrategyPosition:
    """Where a strategy stands when its signal comes."""

    assignment: Assignment
    market: Market
    holding: Holding
    last: Decimal


def wanted(signal: Signal, part: Decimal, stand: StrategyPosition) -> SignalOrder | str:
    """The order, or in words why nothing is to be done."""
    match signal:
        case Signal.HOLD:
            return "nothing is to be done"
        case Signal.BUY:
            return _buy(part, stand)
        case Signal.SELL:
            return _sell(part, stand)
        case Signal.CLOSE:
            return _sell(_ONE, stand)


def _buy(part: Decimal, stand: StrategyPosition) -> SignalOrder | str:
    """No more than is left of the allocation, its fee included."""
    allocation, cost = stand.assignment.allocation, stand.holding.basis
    left = money.subtract(allocation, cost)
    budget = min(money.multiply(allocation, part), left)
    if budget <= money.ZERO:
        return f"the allocation of {money.plain(allocation)} is used up"
    fees = stand.market.fees
    taker = money.ZERO if fees is None else max(fees.taker, money.ZERO)
    each = money.multiply(stand.last, money.add(_ONE, taker))
    return _enough(OrderSide.BUY, money.divide(budget, each), stand)


def _sell(part: Decimal, stand: StrategyPosition) -> SignalOrder | str:
    held = stand.holding.amount
    if held <= money.ZERO:
        return "nothing of it is held"
    return _enough(OrderSide.SELL, money.multiply(held, part), stand)


def _enough(side: OrderSide, amount: Decimal, stand: StrategyPosition) -> SignalOrder | str:
    market = stand.market
    if market.amount_step is not None:
        amount = money.floor_to_step(amount, market.amount_step)
    least = market.min_amount or money.ZERO
    notional = money.multiply(amount, stand.last)
    if not amount or amount < least or notional < (market.min_notional or money.ZERO):
        return f"{money.plain(amount)} is less than the market lets be traded"
    return SignalOrder(side=side, amount=amount)
