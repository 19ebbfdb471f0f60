"""Reads and checks the terms of a new order, before balances are looked at."""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation

from app.domain import money
from tests.support.venues.bybit.api.refusals import (
    malformed,
    quantity_too_large,
    quantity_too_small,
    too_many_decimals_in_price,
    too_many_decimals_in_quantity,
    value_too_small,
)
from tests.support.venues.engine.digits import ZERO
from tests.support.venues.engine.listings import Listing
from tests.support.venues.engine.orders import NewOrder, Side, TimeInForce, Type
from tests.support.venues.engine.tape import Quote

Params = Mapping[str, str]

_SIDES = {"Buy": Side.BUY, "Sell": Side.SELL}
_TIMES_IN_FORCE = {"GTC": TimeInForce.GTC, "IOC": TimeInForce.IOC, "FOK": TimeInForce.FOK}
_LONGEST_NAME = 36


def read_new_order(params: Params, *, default_id: str, is_unified: bool) -> NewOrder:
    side, kind = _SIDES.get(params.get("side", "")), params.get("orderType")
    if side is None or kind not in {"Market", "Limit"}:
        raise malformed("side" if side is None else "orderType")
    if "triggerPrice" in params or params.get("orderFilter", "Order") != "Order":
        raise malformed("orderFilter")
    quantity = number(params, "qty")
    if kind == "Market":
        is_cost = _is_cost(params, side, is_unified=is_unified)
        return NewOrder(
            client_order_id=_name(params) or default_id,
            side=side,
            type=Type.MARKET,
            time_in_force=TimeInForce.IOC,
            amount=ZERO if is_cost else quantity,
            quote_amount=quantity if is_cost else ZERO,
        )
    word = params.get("timeInForce", "GTC")
    is_post_only = word == "PostOnly"
    if not is_post_only and word not in _TIMES_IN_FORCE:
        raise malformed("timeInForce")
    return NewOrder(
        client_order_id=_name(params) or default_id,
        side=side,
        type=Type.LIMIT_MAKER if is_post_only else Type.LIMIT,
        time_in_force=TimeInForce.GTC if is_post_only else _TIMES_IN_FORCE[word],
        amount=quantity,
        price=number(params, "price"),
    )


def check(new_order: NewOrder, listing: Listing, quote: Quote) -> None:
    """Raise Refused if the order breaks a rule of its market."""
    if new_order.price and not money.is_on_step(new_order.price, listing.tick):
        raise too_many_decimals_in_price()
    if new_order.amount:
        _check_quantity(new_order.amount, listing)
    best = quote.ask if new_order.side is Side.BUY else quote.bid
    worth = new_order.quote_amount or money.multiply(new_order.amount, new_order.price or best)
    if worth < listing.least_notional:
        raise value_too_small()


def number(params: Params, name: str) -> Decimal:
    try:
        value = Decimal(params.get(name, "")).normalize()
    except InvalidOperation:
        raise malformed(name) from None
    if not value.is_finite() or value <= ZERO:
        raise malformed(name)
    return value


def _check_quantity(amount: Decimal, listing: Listing) -> None:
    if not money.is_on_step(amount, listing.step):
        raise too_many_decimals_in_quantity()
    if amount < listing.step:
        raise quantity_too_small()
    if amount > listing.most_amount:
        raise quantity_too_large()


def _is_cost(params: Params, side: Side, *, is_unified: bool) -> bool:
    """Whether the quantity is money to spend. A classic account's always is, if it buys."""
    usual = "quoteCoin" if side is Side.BUY else "baseCoin"
    unit = params.get("marketUnit", usual) if is_unified else usual
    if unit not in {"baseCoin", "quoteCoin"}:
        raise malformed("marketUnit")
    return unit == "quoteCoin" and side is Side.BUY


def _name(params: Params) -> str:
    name = params.get("orderLinkId", "")
    if len(name) > _LONGEST_NAME:
        raise malformed("orderLinkId")
    return name
