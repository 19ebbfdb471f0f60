"""Mends ccxt's client of an exchange whose streams, public and private, share one socket."""

from collections.abc import Mapping, Sequence
from typing import Any


def share_socket(client: Any) -> None:
    """Read order books without an error that ends the socket, and leave a stream without waiting.

    ccxt sorts the texts of prices as if they were numbers. And it takes a stream for left when the
    socket is subscribed to nothing any more, which never happens while orders come over it; the
    stream can then be neither left nor entered again.
    """
    client.handle_order_book_helper = _store_levels
    client.has["unWatchOrderBook"] = True

    async def leave(topic: str, name: str, is_private: object, symbol: Any = None) -> None:
        await _leave(client, name, symbol)

    client.un_subscribe = leave


def _store_levels(book: Mapping[str, Any], levels: Sequence[Mapping[str, Any]]) -> None:
    for level in levels:
        side = book["bids" if level["side"] == "bid" else "asks"]
        side.store(float(level["price_level"]), float(level["new_quantity"]))


async def _leave(client: Any, name: str, symbol: str) -> None:
    socket, stream = client.client(client.urls["api"]["ws"]), f"{name}::{symbol}"
    if socket.subscriptions.pop(stream, None) is None:
        return
    socket.futures.pop(stream, None)
    products = [client.market(symbol)["id"]]
    await socket.send({"type": "unsubscribe", "product_ids": products, "channel": name})
