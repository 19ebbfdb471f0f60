"""Makes orders and trades of the local Gate older, as if time had passed since."""

from dataclasses import replace
from typing import Any

_DAY = 24 * 3_600_000


def aged(desk: Any, name: int | str, *, days: int) -> None:
    """Let the order, and the trades that it has so far, have been this many days earlier."""
    books, earlier = desk.venue.books, days * _DAY
    order = desk.venue.order(name)
    books.orders[order.id] = replace(
        order, created_at=order.created_at - earlier, updated_at=order.updated_at - earlier
    )
    for trade in list(books.trades.values()):
        if trade.order_id == order.id:
            books.trades[trade.id] = replace(trade, at=trade.at - earlier)
