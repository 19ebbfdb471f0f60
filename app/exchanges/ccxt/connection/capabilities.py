"""What an exchange can do, as far as ccxt says so without an if."""

from collections.abc import Mapping
from typing import Any

from app.domain.accounts import Capabilities
from app.domain.order_kinds import OrderType, TimeInForce
from app.exchanges.ccxt.connection.exchange_quirks import ExchangeQuirks

_PLAIN = (OrderType.MARKET, OrderType.LIMIT)
_WORDS_IN_FORCE = {
    "IOC": TimeInForce.IOC,
    "FOK": TimeInForce.FOK,
    "PO": TimeInForce.POST_ONLY,
}


def capabilities_of(
    client: Any, quirks: ExchangeQuirks, *, has_positions: bool = False
) -> Capabilities:
    """What is offered for spot orders; the least of it where there is no client yet."""
    told = _told(client)
    has = {} if client is None else client.has
    has_stops = all(told.get(name) is True for name in ("stopLossPrice", "takeProfitPrice"))
    lasting = told.get("timeInForce") or {}
    return Capabilities(
        order_types=tuple(OrderType) if has_stops and quirks.has_stops else _PLAIN,
        time_in_force=(
            TimeInForce.GTC,
            *(known for word, known in _WORDS_IN_FORCE.items() if lasting.get(word) is True),
        ),
        amend_order=quirks.amends_in_place and has.get("editOrder") is True,
        streaming_orders=has.get("watchOrders") is True,
        streaming_tickers=has.get("watchTicker") is True,
        positions=has_positions and reads_positions(client, quirks),
    )


def reads_positions(client: Any, quirks: ExchangeQuirks) -> bool:
    """Whether it tells the positions that it keeps, and we know how to ask for them."""
    if client is None or not quirks.positions:
        return False
    return client.has.get("fetchPositions") is True


def offers(client: Any, method: str) -> bool:
    """Whether ccxt has it there, be it of the exchange's own or put together from others."""
    first, *others = method.split("_")
    name = first + "".join(word.capitalize() for word in others)
    return client.has.get(name) not in {None, False}


def _told(client: Any) -> Mapping[str, Any]:
    """What ccxt says of placing spot orders."""
    features = {} if client is None else client.features or {}
    return (features.get("spot") or {}).get("createOrder") or {}
