"""Builders of the ccxt calls that place, cancel, amend and look up orders; numbers are strings."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

from app.domain import money
from app.domain.order_kinds import OrderSide, OrderType, TimeInForce
from app.domain.orders.reports import OrderDetails, OrderIntent, OrderKey
from app.domain.orders.terms import AmendableTerms
from app.exchanges.ccxt.rows.quirks import ExchangeQuirks, LookupQuery

_STOPS = {OrderType.STOP_MARKET, OrderType.STOP_LIMIT}
# By how much our clock may be ahead of the exchange's, whose lists go by its own.
_CLOCKS_DIFFER = timedelta(hours=1)


@dataclass(frozen=True, kw_only=True, slots=True)
class Call:
    """One ccxt method with its arguments."""

    method: str
    arguments: tuple[Any, ...]
    is_optional: bool = False
    # Whether the order is to be picked out of a list that does not know it by name.
    is_unfiltered: bool = False
    # Whether a key may lack the permission for this call and be good for everything else.
    needs_own_right: bool = False

    @property
    def is_direct(self) -> bool:
        """Whether the response is the one order, not a list to pick it from."""
        return self.method == "fetch_order"


def placing(intent: OrderIntent, quirks: ExchangeQuirks) -> Call:
    """Place an order. A market order carries no price: it would be taken for a cost to spend."""
    return Call(
        method="create_order",
        arguments=(
            intent.symbol,
            "limit" if intent.type.has_price else "market",
            intent.side.lower(),
            money.plain(intent.amount),
            None
            if intent.price is None or not intent.type.has_price
            else money.plain(intent.price),
            {
                quirks.create_key: quirks.wire_name(intent.wire_id),
                **quirks.create_params,
                **_time_in_force_params(intent),
                **_trigger_params(intent.type, intent.trigger_price),
                **_buy_amount_params(intent, quirks),
            },
        ),
    )


def canceling(key: OrderKey, quirks: ExchangeQuirks) -> Call | None:
    """Cancel by the exchange's id, else by our wire id; None if it must be looked up first."""
    if key.exchange_order_id is not None:
        arguments: tuple[Any, ...] = (key.exchange_order_id, key.symbol)
    elif quirks.cancel_key is not None:
        arguments = (None, key.symbol, {quirks.cancel_key: quirks.wire_name(key.wire_id)})
    else:
        return None
    return Call(method="cancel_order", arguments=arguments)


def amending(
    row: Mapping[str, Any], details: OrderDetails, wanted: AmendableTerms, quirks: ExchangeQuirks
) -> Call:
    """Amend the order as it was found to the wanted terms."""
    params = _trigger_params(details.type, wanted.trigger_price)
    is_post_only = details.time_in_force is TimeInForce.POST_ONLY
    return Call(
        method="edit_order",
        arguments=(
            row["id"],
            row["symbol"],
            row["type"],
            row["side"],
            money.plain(wanted.amount),
            None if wanted.price is None else money.plain(wanted.price),
            {**params, "postOnly": True} if is_post_only and quirks.amends_as_post_only else params,
        ),
    )


def searching(key: OrderKey, quirks: ExchangeQuirks) -> Iterator[Call]:
    """Every lookup that must be answered before the order counts as not found."""
    if key.exchange_order_id is not None:
        for lookup in quirks.by_exchange_id:
            name = key.exchange_order_id
            yield _lookup_call(lookup, key, name, quirks.lookup_params, is_ours=False)
    for lookup in quirks.by_wire_id:
        name = quirks.wire_name(key.wire_id)
        yield _lookup_call(lookup, key, name, quirks.lookup_params, is_ours=True)


def is_this(row: Mapping[str, Any], key: OrderKey) -> bool:
    """Whether the row is this order: by an id, never by similar terms."""
    if key.exchange_order_id is not None and row.get("id") == key.exchange_order_id:
        return True
    return row.get("clientOrderId") == key.wire_id


def _lookup_call(
    lookup: LookupQuery,
    key: OrderKey,
    name: str,
    lookup_params: Mapping[str, Any],
    *,
    is_ours: bool,
) -> Call:
    params = dict(lookup_params) if lookup.key is None else {lookup.key: name, **lookup_params}
    if lookup.start is not None and key.placed_at is not None:
        params[lookup.start] = int((key.placed_at - _CLOCKS_DIFFER).timestamp())
    if lookup.is_direct:
        arguments: tuple[Any, ...] = (None if is_ours else name, key.symbol, params)
    else:
        arguments = (key.symbol, None, None, params)
    return Call(
        method=lookup.method,
        arguments=arguments,
        is_optional=lookup.is_optional,
        is_unfiltered=lookup.key is None and not lookup.is_direct,
    )


def _time_in_force_params(intent: OrderIntent) -> dict[str, Any]:
    """The time-in-force parameters of a limit order; none for a market order."""
    if not intent.type.has_price or intent.time_in_force is TimeInForce.GTC:
        return {}
    if intent.time_in_force is TimeInForce.POST_ONLY:
        return {"postOnly": True}
    return {"timeInForce": str(intent.time_in_force)}


def _buy_amount_params(intent: OrderIntent, quirks: ExchangeQuirks) -> dict[str, Any]:
    """The amount of a market buy in base currency, where ccxt has no parameter for it."""
    if not quirks.buy_amount_path or intent.type.has_price or intent.side is not OrderSide.BUY:
        return {}
    tree: Any = money.plain(intent.amount)
    for step in reversed(quirks.buy_amount_path):
        tree = {step: tree}
    return dict(tree)


def _trigger_params(kind: OrderType, trigger_price: Decimal | None) -> dict[str, Any]:
    if trigger_price is None:
        return {}
    name = "stopLossPrice" if kind in _STOPS else "takeProfitPrice"
    return {name: money.plain(trigger_price)}
