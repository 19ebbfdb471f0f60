"""Reads the order that a request wants to place, and checks it against its market."""

import re
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation

from app.domain import money
from tests.support.venues.engine.digits import ZERO
from tests.support.venues.engine.listings import Listing
from tests.support.venues.engine.orders import NewOrder, TimeInForce, Type
from tests.support.venues.kucoin.api.order_pages import side_of
from tests.support.venues.kucoin.api.refusals import (
    not_traded,
    too_cheap,
    too_small,
    wrong,
    wrong_increment,
)

Params = Mapping[str, str]
_TIMES = {name: TimeInForce(name) for name in ("GTC", "IOC", "FOK")}


def read_new_order(params: Params) -> NewOrder:
    """Raises Refused if it is not well-formed."""
    side, kind = side_of(params.get("side", "")), params.get("type")
    if side is None or kind not in {"limit", "market"}:
        raise wrong("side or type not in the given range!")
    is_market = kind == "market"
    # A market order names what it trades or what it spends, whatever its side.
    by_cost = is_market and "funds" in params
    if by_cost and "size" in params:
        raise wrong("size and funds can not be both given")
    return NewOrder(
        client_order_id=_name(params),
        side=side,
        type=_type(params, is_market=is_market),
        time_in_force=TimeInForce.GTC if is_market else _time_in_force(params),
        amount=ZERO if by_cost else number(params, "size"),
        quote_amount=number(params, "funds") if by_cost else ZERO,
        price=ZERO if is_market else number(params, "price"),
    )


def number(params: Params, name: str) -> Decimal:
    try:
        value = Decimal(params.get(name, ""))
    except InvalidOperation:
        raise wrong(f"{name} invalid") from None
    if not value.is_finite() or value <= ZERO:
        raise wrong(f"{name} invalid")
    return value


def check(new_order: NewOrder, listing: Listing, last: Decimal) -> None:
    """Raise Refused if the order breaks a rule of its market."""
    if not listing.is_trading:
        raise not_traded()
    if new_order.price and not money.is_on_step(new_order.price, listing.tick):
        raise wrong_increment("price")
    if not new_order.amount:
        return
    if new_order.amount < listing.step:
        raise too_small()
    if not money.is_on_step(new_order.amount, listing.step):
        raise wrong_increment("size")
    worth = money.multiply(new_order.amount, new_order.price or last)
    if worth < listing.least_notional:
        raise too_cheap(f"{money.plain(listing.least_notional)} {listing.quote}")


def _name(params: Params) -> str:
    name = params.get("clientOid", "")
    if not re.fullmatch("[A-Za-z0-9_-]{1,40}", name):
        raise wrong("validation.createOrder.clientOidIsRequired")
    return name


def _type(params: Params, *, is_market: bool) -> Type:
    if is_market:
        return Type.MARKET
    return Type.LIMIT_MAKER if params.get("postOnly") == "true" else Type.LIMIT


def _time_in_force(params: Params) -> TimeInForce:
    found = _TIMES.get(params.get("timeInForce", "GTC"))
    if found is None:
        raise wrong("timeInForce not in the given range!")
    return found
