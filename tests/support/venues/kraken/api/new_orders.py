"""Reads orders as Kraken takes them: ordertype, price, price2, oflags and timeinforce."""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation

from app.domain import money
from tests.support.venues.engine.accounts import Commission
from tests.support.venues.engine.digits import ZERO
from tests.support.venues.engine.listings import Listing
from tests.support.venues.engine.orders import NewOrder, NewTerms, Order, Side, TimeInForce, Type
from tests.support.venues.engine.tape import Quote
from tests.support.venues.kraken.api.refusals import (
    cost_minimum_not_met,
    invalid_arguments,
    market_closed,
    order_minimum_not_met,
    tick_size_check_failed,
)

Params = Mapping[str, str]

TYPES = {
    "market": Type.MARKET,
    "limit": Type.LIMIT,
    "stop-loss": Type.STOP_LOSS,
    "stop-loss-limit": Type.STOP_LOSS_LIMIT,
    "take-profit": Type.TAKE_PROFIT,
    "take-profit-limit": Type.TAKE_PROFIT_LIMIT,
}
FEES = {"fciq": Commission.QUOTE, "fcib": Commission.BASE}
_AMENDABLE = ("order_qty", "limit_price", "trigger_price")
_LONGEST_NAME = 18


def read(params: Params, listing: Listing, *, default_id: str) -> NewOrder:
    """The order, within the market's steps. Raises Refused."""
    kind = TYPES.get(params.get("ordertype", ""))
    side = {"buy": Side.BUY, "sell": Side.SELL}.get(params.get("type", ""))
    if kind is None or side is None:
        raise invalid_arguments()
    flags = params.get("oflags", "").split(",")
    if kind is Type.LIMIT and "post" in flags:
        kind = Type.LIMIT_MAKER
    first, second = _number(params, "price"), _number(params, "price2")
    return NewOrder(
        client_order_id=client_order_id(params) or default_id,
        side=side,
        type=kind,
        time_in_force=_time_in_force(params, kind),
        amount=_number(params, "volume"),
        price=ZERO if not kind.has_price else second if kind.has_stop else first,
        stop_price=first if kind.has_stop else ZERO,
        commission=next((FEES[flag] for flag in flags if flag in FEES), None),
    )


def read_terms(params: Params) -> NewTerms:
    """What an order is to be changed to. Raises Refused."""
    given = {name: _number(params, name) if name in params else None for name in _AMENDABLE}
    return NewTerms(
        amount=given["order_qty"],
        price=given["limit_price"],
        stop_price=given["trigger_price"],
        is_post_only=params.get("post_only") == "true",
    )


def changed(order: Order, terms: NewTerms) -> NewOrder:
    """The order as it would be placed with these terms."""
    return NewOrder(
        client_order_id=order.client_order_id,
        side=order.side,
        type=order.type,
        amount=order.amount if terms.amount is None else terms.amount,
        price=order.price if terms.price is None else terms.price,
        stop_price=order.stop_price if terms.stop_price is None else terms.stop_price,
    )


def client_order_id(params: Params) -> str | None:
    name = params.get("cl_ord_id")
    if name is not None and not 0 < len(name) <= _LONGEST_NAME:
        raise invalid_arguments("cl_ord_id")
    return name


def check(new_order: NewOrder, listing: Listing, quote: Quote) -> None:
    """Raise Refused if the order does not fit its market."""
    if not listing.is_trading:
        raise market_closed()
    for price, is_wanted in (
        (new_order.price, new_order.type.has_price),
        (new_order.stop_price, new_order.type.has_stop),
    ):
        if is_wanted and price <= ZERO:
            raise invalid_arguments("price")
        if not money.is_on_step(price, listing.tick):
            raise tick_size_check_failed()
    if new_order.amount < listing.step or not money.is_on_step(new_order.amount, listing.step):
        raise order_minimum_not_met()
    best = quote.ask if new_order.side is Side.BUY else quote.bid
    price = new_order.price or new_order.stop_price or best
    if money.multiply(new_order.amount, price) < listing.least_notional:
        raise cost_minimum_not_met()


def _time_in_force(params: Params, kind: Type) -> TimeInForce:
    given = params.get("timeinforce", "GTC")
    if given not in TimeInForce.__members__ or (given != "GTC" and not kind.has_price):
        raise invalid_arguments("timeinforce")
    return TimeInForce(given)


def _number(params: Params, name: str) -> Decimal:
    given = params.get(name)
    if given is None:
        return ZERO
    try:
        value = Decimal(given)
    except InvalidOperation:
        raise invalid_arguments(name) from None
    if not value.is_finite() or value < ZERO:
        raise invalid_arguments(name)
    return value.normalize()
