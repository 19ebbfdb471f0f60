"""When the last price triggers a stop or a take-profit."""

from decimal import Decimal

from app.domain.order_kinds import OrderSide, OrderType

_STOPS = {OrderType.STOP_MARKET, OrderType.STOP_LIMIT}


def waits_above(side: OrderSide, type: OrderType) -> bool:
    """Whether the trigger is above the market: for a stop that buys or a take-profit that sells."""
    return (side is OrderSide.BUY) == (type in _STOPS)


def fires(side: OrderSide, type: OrderType, trigger: Decimal, last: Decimal) -> bool:
    return last >= trigger if waits_above(side, type) else last <= trigger
