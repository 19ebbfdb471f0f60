"""Whether a price lets an order trade or reaches its trigger."""

from decimal import Decimal

from app.domain.order_kinds import OrderSide
from app.domain.orders.triggers import fires, waits_above
from app.domain.paper_ledger import PaperOrder


def limit_of(order: PaperOrder) -> Decimal:
    assert order.price is not None  # noqa: S101 - only orders with a price come to rest
    return order.price


def trigger_of(order: PaperOrder) -> Decimal:
    assert order.trigger_price is not None  # noqa: S101 - asked only of orders with a trigger
    return order.trigger_price


def takes(order: PaperOrder, best: Decimal) -> bool:
    """Whether an arriving order trades at once against the other side's best price."""
    if order.price is None:
        return True
    match order.side:
        case OrderSide.BUY:
            return best <= order.price
        case OrderSide.SELL:
            return best >= order.price


def waits_at(order: PaperOrder) -> Decimal:
    """The trigger or limit price that a resting order waits for."""
    return trigger_of(order) if order.awaits_trigger else limit_of(order)


def waits_for_fall(order: PaperOrder) -> bool:
    """Whether the price must fall to reach a resting order; otherwise it must rise."""
    if order.awaits_trigger:
        return not waits_above(order.side, order.type)
    return order.side is OrderSide.BUY


def is_due(order: PaperOrder, last: Decimal) -> bool:
    """Whether the last price reaches a resting order's trigger, or goes beyond its limit."""
    if order.awaits_trigger:
        return fires(order.side, order.type, trigger_of(order), last)
    return last < limit_of(order) if waits_for_fall(order) else last > limit_of(order)
