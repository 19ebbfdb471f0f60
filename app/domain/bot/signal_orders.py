"""Turns a strategy's signal into an order, or into the reason why there is none."""

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
    """What a strategy holds, and the market's state, when its signal comes."""

    assignment: Assignment
    market: Market
    holding: Holding
    last: Decimal


def wanted(signal: Signal, part: Decimal, position: StrategyPosition) -> SignalOrder | str:
    """The order for a signal, or the reason for placing none."""
    match signal:
        case Signal.HOLD:
            return "nothing is to be done"
        case Signal.BUY:
            return _buy(part, position)
        case Signal.SELL:
            return _sell(part, position)
        case Signal.CLOSE:
            return _sell(_ONE, position)


def _buy(part: Decimal, position: StrategyPosition) -> SignalOrder | str:
    """Buys at most what is left of the allocation, the fee included."""
    allocation, cost = position.assignment.allocation, position.holding.basis
    left = money.subtract(allocation, cost)
    budget = min(money.multiply(allocation, part), left)
    if budget <= money.ZERO:
        return f"the allocation of {money.plain(allocation)} is used up"
    fees = position.market.fees
    taker = money.ZERO if fees is None else max(fees.taker, money.ZERO)
    each = money.multiply(position.last, money.add(_ONE, taker))
    return _tradable_order(OrderSide.BUY, money.divide(budget, each), position)


def _sell(part: Decimal, position: StrategyPosition) -> SignalOrder | str:
    held = position.holding.amount
    if held <= money.ZERO:
        return "nothing of it is held"
    return _tradable_order(OrderSide.SELL, money.multiply(held, part), position)


def _tradable_order(
    side: OrderSide, amount: Decimal, position: StrategyPosition
) -> SignalOrder | str:
    market = position.market
    if market.amount_step is not None:
        amount = money.floor_to_step(amount, market.amount_step)
    least = market.min_amount or money.ZERO
    notional = money.multiply(amount, position.last)
    if not amount or amount < least or notional < (market.min_notional or money.ZERO):
        return f"{money.plain(amount)} is less than the market lets be traded"
    return SignalOrder(side=side, amount=amount)
