"""Reads new orders as Coinbase takes them: a configuration named by type and time in force."""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from app.domain import money
from tests.support.venues.coinbase.api.refusals import invalid_argument, previewed
from tests.support.venues.engine.accounts import Commission
from tests.support.venues.engine.digits import ZERO
from tests.support.venues.engine.listings import Listing
from tests.support.venues.engine.orders import NewOrder, Side, TimeInForce, Type
from tests.support.venues.engine.tape import Quote

Body = Mapping[str, Any]

MARKET, STOP = "market_market_ioc", "stop_limit_stop_limit_gtc"
TIMES_IN_FORCE = {
    "limit_limit_gtc": TimeInForce.GTC,
    "sor_limit_ioc": TimeInForce.IOC,
    "limit_limit_fok": TimeInForce.FOK,
}


def read(body: Body) -> NewOrder:
    """The order as it was written. Raises Refused."""
    side = {"BUY": Side.BUY, "SELL": Side.SELL}.get(str(body.get("side")))
    configuration = body.get("order_configuration")
    if not body.get("client_order_id"):
        raise invalid_argument("client_order_id is required")
    if side is None or not isinstance(configuration, dict) or len(configuration) != 1:
        raise invalid_argument("side or order_configuration is invalid")
    ((name, terms),) = configuration.items()
    kind, time_in_force = _kind(name, terms, side)
    if kind is Type.MARKET and ("quote_size" in terms) is ("base_size" in terms):
        raise invalid_argument("either quote_size or base_size is required")
    if kind is Type.MARKET and side is Side.SELL and "quote_size" in terms:
        raise previewed("PREVIEW_INVALID_ORDER_CONFIG")
    return NewOrder(
        client_order_id=str(body["client_order_id"]),
        side=side,
        type=kind,
        time_in_force=time_in_force,
        amount=_number(terms, "base_size"),
        quote_amount=_number(terms, "quote_size"),
        price=_number(terms, "limit_price"),
        stop_price=_number(terms, "stop_price"),
        # Fees are paid in quote currency, by every account and on both sides.
        commission=Commission.QUOTE,
    )


def check(new_order: NewOrder, listing: Listing, quote: Quote) -> None:
    """Raise Refused if the order breaks a rule of its market."""
    for price in (new_order.price, new_order.stop_price):
        if price and not money.is_on_step(price, listing.tick):
            raise previewed("PREVIEW_INVALID_PRICE_PRECISION")
    amount = new_order.amount
    if amount and not money.is_on_step(amount, listing.step):
        raise previewed("PREVIEW_INVALID_SIZE_PRECISION")
    if amount > listing.most_amount:
        raise previewed("PREVIEW_INVALID_BASE_SIZE_TOO_LARGE")
    best = quote.ask if new_order.side is Side.BUY else quote.bid
    worth = new_order.quote_amount or money.multiply(amount, new_order.price or best)
    if worth < listing.least_notional:
        is_quote = bool(new_order.quote_amount)
        raise previewed(f"PREVIEW_INVALID_{'QUOTE' if is_quote else 'BASE'}_SIZE_TOO_SMALL")


def _kind(name: str, terms: Body, side: Side) -> tuple[Type, TimeInForce]:
    if name == MARKET:
        return Type.MARKET, TimeInForce.IOC
    if name in TIMES_IN_FORCE:
        is_post_only = terms.get("post_only") is True
        return Type.LIMIT_MAKER if is_post_only else Type.LIMIT, TIMES_IN_FORCE[name]
    if name != STOP:
        raise previewed("PREVIEW_INVALID_ORDER_CONFIG")
    waits_for_rise = terms.get("stop_direction") == "STOP_DIRECTION_STOP_UP"
    is_stop = waits_for_rise is (side is Side.BUY)
    return Type.STOP_LOSS_LIMIT if is_stop else Type.TAKE_PROFIT_LIMIT, TimeInForce.GTC


def _number(terms: Body, name: str) -> Decimal:
    if name not in terms:
        return ZERO
    try:
        value = Decimal(str(terms[name])).normalize()
    except InvalidOperation:
        raise invalid_argument(f"{name} is invalid") from None
    if not value.is_finite() or value <= ZERO:
        raise invalid_argument(f"{name} is invalid")
    return value
