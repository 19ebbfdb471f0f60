"""Cuts the time in which orders traded into spans that an exchange lists at once."""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from app.exchanges.ccxt.parsing.numbers import milliseconds
from app.exchanges.ccxt.parsing.order_terms import Row

# The exchange may count in whole seconds, and its clock may be ahead of ours.
_MARGIN = timedelta(minutes=1)
_MILLISECOND = timedelta(milliseconds=1)


def spans_of(
    rows: Iterable[Row], span: timedelta | None, *, now: datetime
) -> Iterator[tuple[int, int]]:
    """From the oldest of these orders to their last change, in milliseconds."""
    every = list(rows)
    begun = [at for row in every if isinstance(at := row.get("timestamp"), int)]
    changed = [at for row in every if isinstance(at := row.get("lastTradeTimestamp"), int)]
    end = (
        max(changed) if len(changed) == len(every) else milliseconds(now)
    ) + _MARGIN // _MILLISECOND
    start = min(begun, default=milliseconds(now))
    length = end - start if span is None else span // _MILLISECOND
    while start < end:
        yield start, min(start + length, end)
        start += length
