"""Lets the order stream pass on orders in markets that were listed after ours were loaded."""

from typing import Any


def pass_on_new_markets(client: Any) -> None:
    """Make this ccxt client's handler of streamed orders raise nothing over a market's name.

    It would fail the whole stream, though it needs the market only for those who wait for it alone.
    """
    handle, find = client.handle_order, client.market

    def market(symbol: str) -> Any:
        return find(symbol) if symbol in client.markets else {"id": None, "symbol": symbol}

    def handle_order(socket: Any, message: Any) -> None:
        # Nobody else runs meanwhile.
        client.market = market
        try:
            handle(socket, message)
        finally:
            client.market = find

    client.handle_order = handle_order
