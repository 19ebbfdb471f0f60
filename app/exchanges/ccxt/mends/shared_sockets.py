"""Mends ccxt's client of an exchange whose streams, public and private, share one socket."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

_HEARTBEATS = "heartbeats"
_ASK_FOR_HEARTBEATS = {"type": "subscribe", "product_ids": [], "channel": _HEARTBEATS}


def share_socket(client: Any) -> None:
    """Read order books without an error that ends the socket, and leave a stream without waiting.

    ccxt sorts the texts of prices as if they were numbers. And it takes a stream for left when the
    socket is subscribed to nothing any more, which never happens while orders come over it; the
    stream can then be neither left nor entered again. The exchange closes a socket on which nothing
    happens for a minute, unless it is asked for heartbeats.
    """
    client.handle_order_book_helper = _store_levels
    client.has["unWatchOrderBook"] = True

    async def leave(topic: str, name: str, is_private: object, symbol: Any = None) -> None:
        await _leave(client, name, symbol)

    client.un_subscribe = leave
    client.watch = _kept_awake(client.watch)
    client.handle_message = _subscribing_again(client, client.handle_message)


def _subscribing_again(client: Any, handle: Callable[[Any, Any], Any]) -> Callable[..., Any]:
    """After an error, ask for every stream again: it does not say which of them was refused."""

    def handled(socket: Any, message: Any) -> None:
        if isinstance(message, Mapping) and message.get("type") == "error":
            socket.subscriptions.clear()
            client.options["wsToken"] = None
        handle(socket, message)

    return handled


def _kept_awake(watch: Callable[..., Any]) -> Callable[..., Any]:
    def awake(url: str, *arguments: Any, **named: Any) -> Any:
        # It does nothing on a socket that has them already, and is rejected when the socket ends.
        beats = watch(url, _HEARTBEATS, _ASK_FOR_HEARTBEATS, _HEARTBEATS)
        beats.add_done_callback(lambda ended: ended.cancelled() or ended.exception())
        return watch(url, *arguments, **named)

    return awake


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
