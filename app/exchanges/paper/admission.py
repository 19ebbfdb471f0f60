"""What the paper exchange refuses before it looks at anybody's money."""

from collections.abc import Iterator
from decimal import Decimal

from app.domain import money
from app.domain.accounts import Capabilities
from app.domain.orders import OrderSide, OrderType, TimeInForce
from app.domain.paper import PaperOrder
from app.errors import Refusal, RefusalCode
from app.exchanges.paper.markets import Listing
from app.exchanges.paper.matching import takes

CAPABILITIES = Capabilities(
    order_types=(OrderType.MARKET, OrderType.LIMIT),
    time_in_force=(TimeInForce.GTC, TimeInForce.IOC, TimeInForce.FOK, TimeInForce.POST_ONLY),
    amend_order=False,
    streaming_orders=True,
    streaming_tickers=True,
    positions=False,
)


def refuse(order: PaperOrder, listing: Listing, best: Decimal) -> Refusal | None:
    """Why the order is not taken, given the other side's best price; the first reason there is."""
    for reasons in (_kind, _steps, _minimums, _conditions):
        refusal = next(reasons(order, listing, best), None)
        if refusal is not None:
            return refusal
    return None


def _kind(order: PaperOrder, _listing: Listing, _best: Decimal) -> Iterator[Refusal]:
    if order.type not in CAPABILITIES.order_types:
        yield _refusal(RefusalCode.UNSUPPORTED, f"{order.type} is not offered here", "type")
    if order.type.has_price != (order.price is not None):
        words = "a price is needed" if order.type.has_price else "a MARKET order has no price"
        yield _refusal(RefusalCode.INVALID_INPUT, words, "price")
    is_market = order.type is OrderType.MARKET
    if is_market and order.time_in_force in {TimeInForce.FOK, TimeInForce.POST_ONLY}:
        words = f"a MARKET order cannot be {order.time_in_force}"
        yield _refusal(RefusalCode.INVALID_INPUT, words, "timeInForce")
    if order.trigger_price is not None:
        words = f"{order.type} has no trigger price"
        yield _refusal(RefusalCode.INVALID_INPUT, words, "triggerPrice")


def _steps(order: PaperOrder, listing: Listing, _best: Decimal) -> Iterator[Refusal]:
    values = (
        ("amount", order.amount, listing.amount_step),
        ("price", order.price, listing.price_step),
    )
    for name, value, step in values:
        if value is None:
            continue
        if not value.is_finite() or value <= 0:
            yield _refusal(RefusalCode.INVALID_INPUT, f"{name} must be above zero", name)
        elif not money.is_on_step(value, step):
            nearest = max(money.floor_to_step(value, step), step)
            words = f"{name} goes in steps of {money.plain(step)}: nearest {money.plain(nearest)}"
            yield _refusal(RefusalCode.PRECISION, words, name)


def _minimums(order: PaperOrder, listing: Listing, best: Decimal) -> Iterator[Refusal]:
    price = best if order.price is None else order.price
    cost = money.multiply(price, order.amount)
    if cost < listing.min_notional:
        least = money.ceil_to_step(money.divide(listing.min_notional, price), listing.amount_step)
        words = (
            f"cost: {money.plain(cost)} {listing.quote}, minimum: "
            f"{money.plain(listing.min_notional)}, reached by an amount of {money.plain(least)}"
        )
        yield _refusal(RefusalCode.MIN_NOTIONAL, words, "amount")


def _conditions(order: PaperOrder, _listing: Listing, best: Decimal) -> Iterator[Refusal]:
    if order.reduce_only and order.side is OrderSide.BUY:
        words = "on a spot market only a SELL reduces"
        yield _refusal(RefusalCode.REJECTED_BY_EXCHANGE, words, "reduceOnly")
    if order.time_in_force is TimeInForce.POST_ONLY and takes(order, best):
        words = f"POST_ONLY would trade at once: best price {money.plain(best)}"
        yield _refusal(RefusalCode.REJECTED_BY_EXCHANGE, words, "price", retryable=True)


def _refusal(code: RefusalCode, message: str, field: str, *, retryable: bool = False) -> Refusal:
    return Refusal(code=code, message=message, field=(field,), retryable=retryable)
