"""Enums of orders: side, type, time in force, position type and source."""

from enum import StrEnum


class OrderSide(StrEnum):
    """Whether the order buys or sells the base currency."""

    BUY = "BUY"
    SELL = "SELL"


class OrderType(StrEnum):
    """When and at which price an order trades."""

    MARKET = "MARKET"
    LIMIT = "LIMIT"
    STOP_MARKET = "STOP_MARKET"
    STOP_LIMIT = "STOP_LIMIT"
    TAKE_PROFIT_MARKET = "TAKE_PROFIT_MARKET"
    TAKE_PROFIT_LIMIT = "TAKE_PROFIT_LIMIT"
    # Of orders placed elsewhere: what is none of the others, such as a trailing stop.
    OTHER = "OTHER"

    @property
    def has_price(self) -> bool:
        return self in {OrderType.LIMIT, OrderType.STOP_LIMIT, OrderType.TAKE_PROFIT_LIMIT}

    @property
    def has_trigger(self) -> bool:
        return self not in {OrderType.MARKET, OrderType.LIMIT, OrderType.OTHER}


# What can be ordered here.
PLACEABLE = tuple(kind for kind in OrderType if kind is not OrderType.OTHER)


class TimeInForce(StrEnum):
    """How long an order waits to be filled."""

    GTC = "GTC"
    IOC = "IOC"
    FOK = "FOK"
    POST_ONLY = "POST_ONLY"


class PositionType(StrEnum):
    """The kind of position that an order builds."""

    SPOT = "SPOT"
    MARGIN = "MARGIN"
    SWAP = "SWAP"


class OrderSource(StrEnum):
    """Who placed an order."""

    API = "API"
    BOT = "BOT"
    EXTERNAL = "EXTERNAL"


def implied_position_type(symbol: str) -> PositionType:
    """The position type that a symbol implies: BTC/USDT is spot, BTC/USDT:USDT a swap."""
    return PositionType.SWAP if ":" in symbol else PositionType.SPOT
