"""Reads the order that a request wants to place, and checks it against its market."""

import re
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation

from app.domain import money
from tests.support.venues.engine.digits import ZERO
from tests.support.venues.engine.listings import Listing
from tests.support.venues.engine.orders import NewOrder, Side, TimeInForce, Type
from tests.support.venues.gate.api.refusals import Refused, invalid, too_small

Params = Mapping[str, str]
_SIDES = {"buy": Side.BUY, "sell": Side.SELL}
_TIMES = {
    "gtc": (Type.LIMIT, TimeInForce.GTC),
    "ioc": (Type.LIMIT, TimeInForce.IOC),
    "fok": (Type.LIMIT, TimeInForce.FOK),
    "poc": (Type.LIMIT_MAKER, TimeInForce.GTC),
}
_NAMED = re.compile(r"t-[0-9A-Za-z_.-]{1,28}")


def read_new_order(params: Params, *, default_id: str) -> NewOrder:
    """Raises Refused if it is not well-formed."""
    side, wanted = _SIDES.get(params.get("side", "")), params.get("time_in_force", "gtc")
    if side is None:
        raise invalid("side")
    is_market = params.get("type", "limit") == "market"
    if wanted not in ({"ioc", "fok"} if is_market else _TIMES):
        raise invalid("time_in_force")
    kind, time_in_force = (Type.MARKET, TimeInForce.GTC) if is_market else _TIMES[wanted]
    amount = number(params, "amount")
    # A market order to buy says how much money it spends.
    by_cost = is_market and side is Side.BUY
    return NewOrder(
        client_order_id=client_order_id(params, default_id),
        side=side,
        type=kind,
        time_in_force=time_in_force,
        amount=ZERO if by_cost else amount,
        quote_amount=amount if by_cost else ZERO,
        price=number(params, "price") if kind.has_price else ZERO,
    )


def client_order_id(params: Params, default: str) -> str:
    text = params.get("text")
    if text is None:
        return default
    if not _NAMED.fullmatch(text):
        raise invalid("text: must begin with t- and have up to 28 characters after it")
    return text.removeprefix("t-")


def number(params: Params, name: str) -> Decimal:
    try:
        value = Decimal(params.get(name, ""))
    except InvalidOperation:
        raise invalid(name) from None
    if not value.is_finite() or value <= ZERO:
        raise invalid(name)
    return value


def check(new_order: NewOrder, listing: Listing) -> None:
    """Raise Refused if the order breaks a rule of its market."""
    if not listing.is_trading:
        raise Refused(label="INVALID_CURRENCY_PAIR", message="Trading is suspended")
    if new_order.price:
        check_terms(new_order.amount, new_order.price, listing)
    elif new_order.amount and not money.is_on_step(new_order.amount, listing.step):
        raise Refused(label="INVALID_PRECISION", message="Invalid amount precision")


def check_terms(amount: Decimal, price: Decimal, listing: Listing) -> None:
    if not money.is_on_step(price, listing.tick):
        raise Refused(label="INVALID_PRECISION", message="Invalid price precision")
    if not money.is_on_step(amount, listing.step):
        raise Refused(label="INVALID_PRECISION", message="Invalid amount precision")
    cost, least = money.multiply(amount, price), listing.least_notional
    if cost < least:
        size = f"{money.plain(cost)} {listing.quote}"
        raise too_small(
            f"Your order size {size} is too small. The minimum is {money.plain(least)}"
            f" {listing.quote}"
        )
