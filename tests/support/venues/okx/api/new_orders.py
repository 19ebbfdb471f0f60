"""Reads the order that a request wants to place, and checks it against its market."""

import re
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation

from app.domain import money
from tests.support.venues.engine.digits import ZERO
from tests.support.venues.engine.listings import Listing
from tests.support.venues.engine.orders import NewOrder, Side, TimeInForce, Type
from tests.support.venues.okx.api.market_pages import least_amount
from tests.support.venues.okx.api.refusals import of_order, wrong

Params = Mapping[str, str]
_TYPES = {
    "market": (Type.MARKET, TimeInForce.GTC),
    "limit": (Type.LIMIT, TimeInForce.GTC),
    "post_only": (Type.LIMIT_MAKER, TimeInForce.GTC),
    "ioc": (Type.LIMIT, TimeInForce.IOC),
    "fok": (Type.LIMIT, TimeInForce.FOK),
}
_SIDES = {"buy": Side.BUY, "sell": Side.SELL}


def read_new_order(params: Params, *, default_id: str) -> NewOrder:
    """Raises Refused if it is not well-formed."""
    if params.get("tdMode") != "cash":
        raise of_order("51000", "Parameter tdMode error")
    found, side = _TYPES.get(params.get("ordType", "")), _SIDES.get(params.get("side", ""))
    if found is None or side is None:
        raise of_order("51000", "Parameter ordType or side error")
    kind, time_in_force = found
    amount = number(params, "sz")
    # A market order to buy counts in quote currency unless it says otherwise.
    usual = "quote_ccy" if side is Side.BUY else "base_ccy"
    by_cost = kind is Type.MARKET and params.get("tgtCcy", usual) == "quote_ccy"
    return NewOrder(
        client_order_id=client_order_id(params, default_id),
        side=side,
        type=kind,
        time_in_force=time_in_force,
        amount=ZERO if by_cost else amount,
        quote_amount=amount if by_cost else ZERO,
        price=number(params, "px") if kind.has_price else ZERO,
    )


def client_order_id(params: Params, default: str) -> str:
    name = params.get("clOrdId") or default
    if not re.fullmatch("[A-Za-z0-9]{1,32}", name):
        raise of_order("51000", "Parameter clOrdId error")
    return name


def number(params: Params, name: str) -> Decimal:
    try:
        value = Decimal(params.get(name, ""))
    except InvalidOperation:
        raise wrong(name) from None
    if not value.is_finite() or value <= ZERO:
        raise wrong(name)
    return value


def check(new_order: NewOrder, listing: Listing) -> None:
    """Raise Refused if the order breaks a rule of its market."""
    if not listing.is_trading:
        raise of_order("51022", "Contract suspended")
    if new_order.price and not money.is_on_step(new_order.price, listing.tick):
        raise of_order("51000", "Parameter px error")
    if new_order.amount:
        check_amount(new_order.amount, listing)


def check_amount(amount: Decimal, listing: Listing) -> None:
    if amount < least_amount(listing):
        raise of_order("51020", "Your order should meet or exceed the minimum order amount.")
    if not money.is_on_step(amount, listing.step):
        raise of_order("51121", "Order quantity must be a multiple of the lot size.")
