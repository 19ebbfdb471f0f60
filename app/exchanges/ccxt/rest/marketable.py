"""Gives a market buy a limit, where it would otherwise spend an amount of money."""

from dataclasses import replace
from decimal import Decimal

from app.domain import money
from app.domain.markets.markets import Market, Ticker
from app.domain.order_kinds import OrderSide, OrderType, TimeInForce
from app.domain.orders.reports import OrderIntent
from app.errors import ExchangeUnavailable

# How much more than is asked for now it pays at most; what is dearer is not bought.
_HIGHEST = Decimal("1.02")


def is_market_buy(intent: OrderIntent) -> bool:
    return intent.type is OrderType.MARKET and intent.side is OrderSide.BUY


def at_a_limit(intent: OrderIntent, market: Market, ticker: Ticker | None) -> OrderIntent:
    """The order with a limit that it takes at once or lets go. Raises if there is no price."""
    if ticker is None or ticker.ask is None or market.price_step is None:
        raise ExchangeUnavailable("nobody sells here now, so nothing was sent")
    price = money.floor_to_step(money.multiply(ticker.ask, _HIGHEST), market.price_step)
    terms = replace(intent.terms, type=OrderType.LIMIT, price=price, time_in_force=TimeInForce.IOC)
    return replace(intent, terms=terms)
