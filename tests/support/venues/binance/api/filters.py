"""Binance's order filters, which are checked before balances: price, lot size and notional."""

import re
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import TypeVar

from app.domain import money
from tests.support.venues.binance.api.refusals import (
    Refused,
    filter_failure,
    illegal,
    market_closed,
    missing,
    not_required,
    unknown_value,
)
from tests.support.venues.engine.digits import ZERO
from tests.support.venues.engine.listings import Listing
from tests.support.venues.engine.orders import NewOrder, Side, TimeInForce, Type
from tests.support.venues.engine.tape import Quote

CLIENT_ORDER_ID = "^[.A-Z\\:/a-z0-9_-]{1,36}$"
_NUMBER = "^([0-9]{1,20})(\\.[0-9]{1,20})?$"
_MOST_PLACES = 8

Params = Mapping[str, str]
Choice = TypeVar("Choice", bound=StrEnum)


def read_new_order(params: Params, *, default_id: str) -> NewOrder:
    kind = _choice(params, "type", Type, code=-1116, words="orderType")
    side = _choice(params, "side", Side, code=-1117, words="side")
    return NewOrder(
        client_order_id=client_order_id(params, "newClientOrderId", default_id),
        side=side,
        type=kind,
        time_in_force=_time_in_force(params, kind),
        amount=_amount(params, kind),
        quote_amount=_number(params, "quoteOrderQty", is_wanted=_is_by_cost(params, kind)),
        price=_number(params, "price", is_wanted=kind.has_price),
        stop_price=_number(params, "stopPrice", is_wanted=kind.has_stop),
    )


def client_order_id(params: Params, name: str, default: str) -> str:
    value = params.get(name, default)
    if not re.fullmatch(CLIENT_ORDER_ID.strip("^$"), value):
        raise illegal(name, CLIENT_ORDER_ID)
    return value


def check(new_order: NewOrder, listing: Listing, quote: Quote) -> None:
    """Raise Refused if the order breaks a filter of its market."""
    if not listing.is_trading:
        raise market_closed()
    for price in (new_order.price, new_order.stop_price):
        if price and not _fits(price, listing.tick, listing.most_price):
            raise filter_failure("PRICE_FILTER")
    if new_order.price:
        _check_percent(new_order, listing, quote)
    if new_order.amount and not _fits(new_order.amount, listing.step, listing.most_amount):
        raise filter_failure("LOT_SIZE")
    if _worth(new_order, quote) < listing.least_notional:
        raise filter_failure("NOTIONAL")


def _check_percent(new_order: NewOrder, listing: Listing, quote: Quote) -> None:
    best = quote.ask if new_order.side is Side.BUY else quote.bid
    ceiling = money.multiply(best, listing.multiplier_up)
    floor = money.multiply(best, listing.multiplier_down)
    if not floor <= new_order.price <= ceiling:
        raise filter_failure("PERCENT_PRICE_BY_SIDE")


def _worth(new_order: NewOrder, quote: Quote) -> Decimal:
    if new_order.quote_amount:
        return new_order.quote_amount
    best = quote.ask if new_order.side is Side.BUY else quote.bid
    return money.multiply(new_order.amount, new_order.price or new_order.stop_price or best)


def _fits(value: Decimal, step: Decimal, most: Decimal) -> bool:
    return step <= value <= most and money.is_on_step(value, step)


def _is_by_cost(params: Params, kind: Type) -> bool:
    return kind is Type.MARKET and "quoteOrderQty" in params


def _amount(params: Params, kind: Type) -> Decimal:
    return _number(params, "quantity", is_wanted=not _is_by_cost(params, kind))


def _time_in_force(params: Params, kind: Type) -> TimeInForce:
    if not kind.has_time_in_force:
        if "timeInForce" in params:
            raise not_required("timeInForce")
        return TimeInForce.GTC
    return _choice(params, "timeInForce", TimeInForce, code=-1115, words="timeInForce")


def _choice(params: Params, name: str, kind: type[Choice], *, code: int, words: str) -> Choice:
    if not params.get(name):
        raise missing(name)
    try:
        return kind(params[name])
    except ValueError:
        raise unknown_value(code, words) from None


def _number(params: Params, name: str, *, is_wanted: bool) -> Decimal:
    text = params.get(name)
    if not is_wanted:
        if text is not None:
            raise not_required(name)
        return ZERO
    if not text:
        raise missing(name)
    return _positive(text, name)


def _positive(text: str, name: str) -> Decimal:
    if not re.fullmatch(_NUMBER.strip("^$"), text):
        raise illegal(name, _NUMBER)
    try:
        value = Decimal(text).normalize()
    except InvalidOperation:
        raise illegal(name, _NUMBER) from None
    exponent = value.as_tuple().exponent
    if isinstance(exponent, int) and exponent < -_MOST_PLACES:
        raise Refused(code=-1111, message=f"Parameter '{name}' has too much precision.")
    if value <= ZERO:
        raise Refused(code=-1013, message=f"Invalid {name}.")
    return value
