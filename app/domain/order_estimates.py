"""What an order will probably cost, told before it is placed."""

from decimal import Decimal

from app.domain import money
from app.domain.markets import FeeRates, Market, Ticker
from app.domain.order_requests import OrderRequest
from app.domain.orders import Fee, OrderSide, OrderType, TimeInForce

_ONE = Decimal(1)


def expected_price(request: OrderRequest, ticker: Ticker | None) -> Decimal | None:
    """The price that it is reckoned at: its limit, else its trigger, else the market's best."""
    if request.type.has_price:
        return request.price
    if request.type.has_trigger:
        return request.trigger_price
    return best_price(request.side, ticker)


def best_price(side: OrderSide, ticker: Ticker | None) -> Decimal | None:
    """What it would cost at once."""
    if ticker is None:
        return None
    best = ticker.ask if side is OrderSide.BUY else ticker.bid
    return best or ticker.last


def notional(request: OrderRequest, price: Decimal) -> Decimal:
    return money.multiply(request.amount, price)


def fee(request: OrderRequest, market: Market, ticker: Ticker | None) -> Fee | None:
    """None where the exchange does not tell its rates, or the price is not known."""
    price = expected_price(request, ticker)
    if market.fees is None or price is None:
        return None
    rate = market.fees.maker if _will_wait(request, ticker) else market.fees.taker
    if market.fees.is_in_quote or request.side is OrderSide.SELL:
        return Fee(currency=market.quote, amount=money.multiply(notional(request, price), rate))
    return Fee(currency=market.base, amount=money.multiply(request.amount, rate))


def needed_in_quote(request: OrderRequest, market: Market, price: Decimal) -> Decimal:
    """What a buy takes out of the account at most, a fee that is paid in quote included."""
    cost = notional(request, price)
    if market.fees is None or not market.fees.is_in_quote:
        return cost
    return money.multiply(cost, money.add(_ONE, _highest(request, market.fees)))


def _highest(request: OrderRequest, fees: FeeRates) -> Decimal:
    """A limit order may end up as either; one without a price always takes."""
    rates = (fees.maker, fees.taker) if request.type.has_price else (fees.taker,)
    return max(*rates, Decimal(0))


def _will_wait(request: OrderRequest, ticker: Ticker | None) -> bool:
    if request.time_in_force is TimeInForce.POST_ONLY:
        return True
    if request.type is not OrderType.LIMIT or request.time_in_force is not TimeInForce.GTC:
        return False
    best = best_price(request.side, ticker)
    if best is None or request.price is None:
        return False
    return request.price < best if request.side is OrderSide.BUY else request.price > best
