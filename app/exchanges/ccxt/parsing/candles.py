"""Parsers for ccxt's candles, timeframes and page size."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from app.domain.markets.candles import Candle, span_of
from app.exchanges.ccxt.parsing.failures import Unreadable
from app.exchanges.ccxt.parsing.numbers import amount, moment, positive, written

_COLUMNS = 6


def candle_of(row: Any, *, span: timedelta, now: datetime) -> Candle:
    """The candle, closed if it has ended by now. Raises Unreadable if any cell is missing."""
    cells = row if isinstance(row, Sequence) else ()
    match [written(cell) for cell in cells[:_COLUMNS]]:
        case [timestamp, *prices, volume]:
            at, traded = moment(timestamp), amount(volume)
            known = [price for price in map(positive, prices) if price is not None]
            if at is not None and traded is not None and len(known) == _COLUMNS - 2:
                return _candle(known, at=at, volume=traded, is_closed=at + span <= now)
    raise Unreadable("the exchange sent a candle that cannot be read")


def timeframes_of(client: Any) -> tuple[str, ...]:
    """The timeframes of a fixed length, shortest first."""
    spans = {name: span_of(name) for name in client.timeframes or {}}
    known = {name: span for name, span in spans.items() if span is not None}
    return tuple(sorted(known, key=known.__getitem__))


def most_at_once(client: Any) -> int | None:
    """The most candles that one response holds; None if ccxt does not know."""
    feature = ((client.features or {}).get("spot") or {}).get("fetchOHLCV") or {}
    limit = feature.get("limit")
    return limit if isinstance(limit, int) and limit > 0 else None


def _candle(prices: Sequence[Decimal], *, at: datetime, volume: Decimal, is_closed: bool) -> Candle:
    opened, high, low, close = prices
    return Candle(
        at=at, open=opened, high=high, low=low, close=close, volume=volume, is_closed=is_closed
    )
