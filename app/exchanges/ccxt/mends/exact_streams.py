"""Reads the numbers in an exchange's stream messages exactly, where it writes them as numbers."""

import json
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any


def read_exactly(client: Any) -> None:
    """Make this ccxt client decode the numbers of its sockets as the texts they are written as.

    ccxt would make floats of them, which hold no more than 17 digits.
    """
    open_socket = client.client

    def opened(url: str) -> Any:
        socket = open_socket(url)
        socket.handle_text_or_binary_message = partial(_handle, socket)
        return socket

    client.client = opened
    client.custom_handle_deltas = _store_levels


def _handle(socket: Any, data: str | bytes) -> None:
    text = data.decode() if isinstance(data, bytes) else data
    is_json = text.startswith(("{", "["))
    decoded = json.loads(text, parse_float=str) if is_json else text
    socket.on_message_callback(socket, decoded)


def _store_levels(side: Any, levels: Sequence[Mapping[str, Any]]) -> None:
    """Ccxt sorts a book by its prices, so these must be numbers and not texts."""
    for level in levels:
        side.store(float(level["price"]), float(level["qty"]))
