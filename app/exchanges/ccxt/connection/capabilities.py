"""What an exchange can do: only what ccxt promises without conditions."""

from collections.abc import Mapping
from typing import Any

from app.domain.accounts import Capabilities
from app.domain.order_kinds import PLACEABLE, OrderType, TimeInForce
from app.exchanges.ccxt.rows.quirks import ExchangeQuirks

_PLAIN = (OrderType.MARKET, OrderType.LIMIT)
_TIMES_IN_FORCE = {
    "IOC": TimeInForce.IOC,
    "FOK": TimeInForce.FOK,
    "PO": TimeInForce.POST_ONLY,
}


def capabilities_of(
    client: Any, quirks: ExchangeQuirks, *, has_positions: bool = False
) -> Capabilities:
    """The capabilities for spot orders; the minimum while there is no client yet."""
    features = _create_order_features(client)
    has = {} if client is None else client.has
    has_stops = all(features.get(name) is True for name in ("stopLossPrice", "takeProfitPrice"))
    times_in_force = features.get("timeInForce") or {}
    return Capabilities(
        order_types=PLACEABLE if has_stops and quirks.has_stops else _PLAIN,
        time_in_force=(
            TimeInForce.GTC,
            *(known for word, known in _TIMES_IN_FORCE.items() if times_in_force.get(word) is True),
        ),
        amend_order=quirks.amends_in_place and has.get("editOrder") is True,
        streaming_orders=has.get("watchOrders") is True,
        streaming_tickers=has.get("watchTicker") is True,
        streaming_candles=has.get("watchOHLCV") is True,
        positions=has_positions and reads_positions(client, quirks),
    )


def reads_positions(client: Any, quirks: ExchangeQuirks) -> bool:
    """Whether the exchange reports its positions and we know how to fetch them."""
    if client is None or not quirks.positions:
        return False
    return client.has.get("fetchPositions") is True


def offers(client: Any, method: str) -> bool:
    """Whether ccxt offers the method at this exchange, natively or emulated."""
    first, *others = method.split("_")
    name = first + "".join(word.capitalize() for word in others)
    return client.has.get(name) not in {None, False}


def _create_order_features(client: Any) -> Mapping[str, Any]:
    """The features that ccxt states for placing spot orders."""
    features = {} if client is None else client.features or {}
    return (features.get("spot") or {}).get("createOrder") or {}
