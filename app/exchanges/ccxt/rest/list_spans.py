"""Cuts a time into spans, where an exchange lists no longer time at once."""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from app.exchanges.ccxt.parsing.numbers import milliseconds
from app.exchanges.ccxt.parsing.order_terms import Row

# The exchange may count in whole seconds, and its clock may be ahead of ours.
_MARGIN = timedelta(minutes=1)
_MILLISECOND = timedelta(milliseconds=1)


def spans_of(start: int, end: int, span: timedelta) -> Iterator[tuple[int, int]]:
    """From start to end, in milliseconds."""
    length = span // _MILLISECOND
    while start < end:
        yield start, min(start + length, end)
        start += length


def until_now(now: datetime) -> int:
    return milliseconds(now) + _MARGIN // _MILLISECOND


def traded_between(rows: Iterable[Row], now: datetime) -> tuple[int, int]:
    """From the oldest of these orders to their last change, in milliseconds."""
    every = list(rows)
    begun = [at for row in every if isinstance(at := row.get("timestamp"), int)]
    changed = [at for row in every if isinstance(at := row.get("lastTradeTimestamp"), int)]
    if len(changed) < len(every):
        return min(begun, default=milliseconds(now)), until_now(now)
    return min(begun, default=milliseconds(now)), max(changed) + _MARGIN // _MILLISECOND
