"""Parser for ccxt's order books."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from app.domain.markets.order_books import BookLevel, OrderBook
from app.exchanges.ccxt.parsing.failures import Unreadable
from app.exchanges.ccxt.parsing.numbers import amount, moment, written


def order_book_of(row: Mapping[str, Any], *, depth: int, now: datetime) -> OrderBook:
    """Both sides, best price first, timed now if the exchange gives no time."""
    timestamp = moment(row.get("timestamp"))
    bids, asks = (_levels(row.get(side)) for side in ("bids", "asks"))
    return OrderBook(
        bids=tuple(bids[::-1][:depth]),
        asks=tuple(asks[:depth]),
        at=now if timestamp is None else timestamp,
    )


def _levels(rows: object) -> list[BookLevel]:
    """The levels from the lowest price to the highest, without empty ones."""
    if not isinstance(rows, Sequence):
        raise Unreadable("the exchange answered with something that is no order book")
    levels = (level for level in map(_level, rows) if level.amount)
    return sorted(levels, key=lambda level: level.price)


def _level(row: Any) -> BookLevel:
    values = row[:2] if isinstance(row, Sequence) else ()
    numbers = [amount(written(value)) for value in values]
    match numbers:
        case [Decimal() as price, Decimal() as size] if price:
            return BookLevel(price=price, amount=size)
    raise Unreadable("the exchange answered with an order book of which a level cannot be read")
