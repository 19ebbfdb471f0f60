"""What ccxt is asked for an order: the method, and every argument as a text."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from app.domain import money
from app.domain.order_kinds import OrderType, TimeInForce
from app.domain.orders.reports import OrderDetails, OrderIntent, OrderKey
from app.domain.orders.terms import AmendableTerms
from app.exchanges.ccxt.connection.exchange_quirks import ExchangeQuirks, LookupQuery

_STOPS = {OrderType.STOP_MARKET, OrderType.STOP_LIMIT}


@dataclass(frozen=True, kw_only=True, slots=True)
class Call:
    """One method of ccxt with its arguments."""

    method: str
    arguments: tuple[Any, ...]
    is_optional: bool = False
    # Whether a key may lack the right to it, and be good for all else.
    needs_own_right: bool = False

    @property
    def is_direct(self) -> bool:
        """Whether it answers with the one order, not with a list to pick it from."""
        return self.method == "fetch_order"


def placing(intent: OrderIntent, quirks: ExchangeQuirks) -> Call:
    """A price goes out with a limit alone: with a market order it would be taken for a budget."""
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
                quirks.create_key: intent.wire_id,
                **_lasting(intent),
                **_triggered(intent.type, intent.trigger_price),
            },
        ),
    )


def canceling(key: OrderKey, quirks: ExchangeQuirks) -> Call | None:
    """By the exchange's id, else by ours; None where it has to be looked up first."""
    if key.exchange_order_id is not None:
        arguments: tuple[Any, ...] = (key.exchange_order_id, key.symbol)
    elif quirks.cancel_key is not None:
        arguments = (None, key.symbol, {quirks.cancel_key: key.wire_id})
    else:
        return None
    return Call(method="cancel_order", arguments=arguments)


def amending(
    row: Mapping[str, Any], details: OrderDetails, wanted: AmendableTerms, quirks: ExchangeQuirks
) -> Call:
    """The order as it was found, with the terms that it should have."""
    params = _triggered(details.type, wanted.trigger_price)
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
    """Every question that must be answered before the order is said not to exist."""
    if key.exchange_order_id is not None:
        for search in quirks.by_exchange_id:
            yield _search(search, key.symbol, key.exchange_order_id, is_ours=False)
    for search in quirks.by_wire_id:
        yield _search(search, key.symbol, key.wire_id, is_ours=True)


def is_this(row: Mapping[str, Any], key: OrderKey) -> bool:
    """By an id, and never by what it looks like."""
    if key.exchange_order_id is not None and row.get("id") == key.exchange_order_id:
        return True
    return row.get("clientOrderId") == key.wire_id


def _search(search: LookupQuery, symbol: str, name: str, *, is_ours: bool) -> Call:
    params = {} if search.key is None else {search.key: name}
    if search.is_direct:
        arguments: tuple[Any, ...] = (None if is_ours else name, symbol, params)
    else:
        arguments = (symbol, None, None, params)
    return Call(method=search.method, arguments=arguments, is_optional=search.is_optional)


def _lasting(intent: OrderIntent) -> dict[str, Any]:
    """How long a limit waits; a market order does not."""
    if not intent.type.has_price or intent.time_in_force is TimeInForce.GTC:
        return {}
    if intent.time_in_force is TimeInForce.POST_ONLY:
        return {"postOnly": True}
    return {"timeInForce": str(intent.time_in_force)}


def _triggered(kind: OrderType, trigger_price: Decimal | None) -> dict[str, Any]:
    if trigger_price is None:
        return {}
    name = "stopLossPrice" if kind in _STOPS else "takeProfitPrice"
    return {name: money.plain(trigger_price)}
