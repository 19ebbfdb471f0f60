"""What we rely on in ccxt's code, by checksum: an upgrade tells which exchange to look at again.

To accept what an upgrade has changed, look at it, and take over what the failing test prints.
"""

import hashlib
import inspect
import json
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from app.exchanges.ccxt.rows.table import QUIRKS

KNOWN = Path(__file__).with_name("relied_on.json")
# Of the class for requests: how orders are asked for, read and refused, and requests are signed.
REQUESTS = (
    "cancel_order", "cancel_order_request", "cancel_spot_order", "create_auth_token",
    "create_order", "create_order_request", "create_spot_order", "create_spot_order_request",
    "edit_order", "edit_order_request", "fetch_canceled_and_closed_orders",
    "fetch_closed_orders", "fetch_my_trades", "fetch_open_orders", "fetch_order",
    "fetch_my_spot_trades", "fetch_order_trades", "fetch_orders", "fetch_orders_by_status",
    "fetch_spot_order", "fetch_spot_orders_by_status", "handle_errors",
    "load_unified_status", "parse_order", "parse_order_status", "parse_spot_or_uta_trade",
    "parse_spot_order", "parse_trade", "prepare_orders_by_status_request", "sign",
)  # fmt: skip
# Of the class for streams: how a stream is logged in to and read.
STREAMS = (
    "authenticate", "create_ws_auth", "handle_my_trade", "handle_my_trades", "handle_order",
    "handle_order_book_helper", "handle_orders", "negotiate", "negotiate_helper",
    "parse_ws_order", "parse_ws_order_trade", "parse_ws_trade", "un_subscribe",
    "watch_my_trades", "watch_orders",
)  # fmt: skip


def pieces(exchange: str) -> Iterator[tuple[str, str]]:
    """The source of each function that there is, and the table of errors."""
    for room, names in (("async_support", REQUESTS), ("pro", STREAMS)):
        kind: Any = getattr(import_module(f"ccxt.{room}.{exchange}"), exchange)
        for name in names:
            if name in vars(kind):
                yield f"{room}.{name}", inspect.getsource(vars(kind)[name])
    client: Any = getattr(import_module(f"ccxt.async_support.{exchange}"), exchange)
    table = client().describe()["exceptions"]
    yield "exceptions", json.dumps(table, sort_keys=True, default=lambda error: error.__name__)


def checksums(exchange: str) -> dict[str, str]:
    return {
        name: hashlib.sha256(source.encode()).hexdigest()[:16] for name, source in pieces(exchange)
    }


@pytest.mark.parametrize("exchange", sorted(QUIRKS))
def test_what_we_rely_on_is_as_we_looked_at_it(exchange: str) -> None:
    known, found = json.loads(KNOWN.read_text()).get(exchange, {}), checksums(exchange)
    changed = sorted(name for name in {*known, *found} if known.get(name) != found.get(name))
    assert not changed, f"look at {exchange} again: {changed}; then note {json.dumps(found)}"
