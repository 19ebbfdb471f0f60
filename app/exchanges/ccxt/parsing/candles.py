"""Candles as ccxt gives them, in the words of the domain."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from app.domain.markets.candles import Candle, span_of
from app.exchanges.ccxt.parsing.failures import Unreadable
from app.exchanges.ccxt.parsing.numbers import amount, moment, positive, written

_COLUMNS = 6


def candle_of(row: Any, *, span: timedelta, now: datetime) -> Candle:
    """One that has ended by our clock is closed; Unreadable where anything of it is missing."""
    cells = row if isinstance(row, Sequence) else ()
    match [written(cell) for cell in cells[:_COLUMNS]]:
        case [told_at, *prices, volume]:
            at, traded = moment(told_at), amount(volume)
            known = [price for price in map(positive, prices) if price is not None]
            if at is not None and traded is not None and len(known) == _COLUMNS - 2:
                return _candle(known, at=at, volume=traded, is_closed=at + span <= now)
    raise Unreadable("the exchange told a candle that cannot be read")


def timeframes_of(client: Any) -> tuple[str, ...]:
    """Those of which every candle is as long as the next, the shortest first."""
    spans = {name: span_of(name) for name in client.timeframes or {}}
    known = {name: span for name, span in spans.items() if span is not None}
    return tuple(sorted(known, key=known.__getitem__))


def most_at_once(client: Any) -> int | None:
    """How many candles one answer holds at most, where ccxt knows that."""
    told = ((client.features or {}).get("spot") or {}).get("fetchOHLCV") or {}
    limit = told.get("limit")
    return limit if isinstance(limit, int) and limit > 0 else None


def _candle(prices: Sequence[Decimal], *, at: datetime, volume: Decimal, is_closed: bool) -> Candle:
    opened, high, low, close = prices
    return Candle(
        at=at, open=opened, high=high, low=low, close=close, volume=volume, is_closed=is_closed
    )
