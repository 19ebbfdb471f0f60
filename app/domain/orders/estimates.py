"""Estimates of an order's price, fee and needed funds, before it is placed."""

from dataclasses import dataclass
from decimal import Decimal

from app.domain import money
from app.domain.fills import Fee
from app.domain.markets.markets import FeeRates, Market, Ticker
from app.domain.order_kinds import OrderSide, OrderType, TimeInForce
from app.domain.orders.terms import HasTerms
from app.domain.portfolio.exposures import Exposure
from app.domain.portfolio.margins import LEAST_LEVERAGE, closable

_ONE = Decimal(1)


def expected_price(order: HasTerms, ticker: Ticker | None) -> Decimal | None:
    """The price to calculate with: the limit, else the trigger, else the market's best price."""
    if order.type.has_price:
        return order.price
    if order.type.has_trigger:
        return order.trigger_price
    return best_price(order.side, ticker)


def best_price(side: OrderSide, ticker: Ticker | None) -> Decimal | None:
    """The price of trading at once: best ask for a buy, best bid for a sell, else the last."""
    if ticker is None:
        return None
    best = ticker.ask if side is OrderSide.BUY else ticker.bid
    return best or ticker.last


def notional(order: HasTerms, price: Decimal) -> Decimal:
    return money.multiply(order.amount, price)


def fee(order: HasTerms, market: Market, ticker: Ticker | None) -> Fee | None:
    """The expected fee; None if the fee rates or the price are not known."""
    price = expected_price(order, ticker)
    if market.fees is None or price is None:
        return None
    rate = market.fees.maker if _will_wait(order, ticker) else market.fees.taker
    if market.fees.is_in_quote or order.side is OrderSide.SELL:
        return Fee(currency=market.quote, amount=money.multiply(notional(order, price), rate))
    return Fee(currency=market.base, amount=money.multiply(order.amount, rate))


def needed_in_quote(order: HasTerms, market: Market, price: Decimal) -> Decimal:
    """The most that a buy can take from the quote balance, including a fee paid in quote."""
    cost = notional(order, price)
    if market.fees is None or not market.fees.is_in_quote:
        return cost
    return money.multiply(cost, money.add(_ONE, _highest(order, market.fees)))


@dataclass(frozen=True, kw_only=True, slots=True)
class PriceBasis:
    """The market, price and ticker that an estimate is based on."""

    market: Market
    price: Decimal
    ticker: Ticker | None


def needed_on_margin(order: HasTerms, by: PriceBasis, open: Exposure | None) -> Decimal:
    """The margin of what the order opens, plus its highest fee, less what it frees at once.

    An order that only closes, at once, needs nothing: it always settles.
    """
    held = money.ZERO if open is None else open.amount
    opening = money.subtract(order.amount, closable(held, order.side))
    is_at_once = not order.type.has_trigger and not _will_wait(order, by.ticker)
    if order.reduce_only or (is_at_once and opening <= money.ZERO):
        return money.ZERO
    leverage = order.leverage or (None if open is None else open.leverage) or LEAST_LEVERAGE
    opened = money.multiply(max(opening, money.ZERO), by.price)
    fees = by.market.fees
    rate = money.ZERO if fees is None else _highest(order, fees)
    fee = money.multiply(notional(order, by.price), rate)
    needed = money.add(money.divide(opened, leverage), fee)
    is_flip = open is not None and opening < order.amount
    if open is None or not (is_flip and is_at_once):
        return needed
    return max(money.subtract(needed, _freed(open, by.price)), money.ZERO)


def _freed(open: Exposure, price: Decimal) -> Decimal:
    """The margin and profit that closing a position at this price frees."""
    if open.margin is None or open.entry_price is None:
        return money.ZERO
    gained = money.multiply(open.amount, money.subtract(price, open.entry_price))
    return money.add(open.margin, gained)


def _highest(order: HasTerms, fees: FeeRates) -> Decimal:
    """The highest possible fee rate: a limit order may be maker or taker, others always take."""
    rates = (fees.maker, fees.taker) if order.type.has_price else (fees.taker,)
    return max(*rates, Decimal(0))


def _will_wait(order: HasTerms, ticker: Ticker | None) -> bool:
    if order.time_in_force is TimeInForce.POST_ONLY:
        return True
    if order.type is not OrderType.LIMIT or order.time_in_force is not TimeInForce.GTC:
        return False
    best = best_price(order.side, ticker)
    if best is None or order.price is None:
        return False
    return order.price < best if order.side is OrderSide.BUY else order.price > best
