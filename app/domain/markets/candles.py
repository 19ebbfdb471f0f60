"""Candle, CandleRequest, timeframes, and the checks of a request."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from app.domain.checks import invalid
from app.errors import Refusal

MAX_CANDLES = 1000

_TIMEFRAME = re.compile(r"([1-9][0-9]{0,3})([smhdw])", re.ASCII)
_UNITS = {
    "s": timedelta(seconds=1),
    "m": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
    "w": timedelta(weeks=1),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Candle:
    """Open, high, low, close and volume of one time span, which starts at `at`."""

    at: datetime
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal
    is_closed: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class CandleRequest:
    """A request for `limit` candles of a market: from `since` on, or the latest."""

    symbol: str
    timeframe: str
    limit: int
    since: datetime | None = None

    @property
    def span(self) -> timedelta:
        """The length of each candle."""
        span = span_of(self.timeframe)
        assert span is not None  # noqa: S101 - others are refused
        return span


def span_of(timeframe: str) -> timedelta | None:
    """The length of a timeframe; None if it is not one, or not of fixed length, like a month."""
    found = _TIMEFRAME.fullmatch(timeframe)
    return None if found is None else int(found[1]) * _UNITS[found[2]]


def examine_timeframe(timeframe: str, offered: Sequence[str]) -> Refusal | None:
    if timeframe in offered:
        return None
    known = f"it has {', '.join(offered)}" if offered else "it has no candles"
    return invalid("timeframe", f"the account has no candles of this timeframe; {known}")


def examine(asked: CandleRequest, offered: Sequence[str], now: datetime) -> Refusal | None:
    """Why the request is refused, as far as is known without sending it; None if it is not."""
    refusal = examine_timeframe(asked.timeframe, offered)
    if refusal is not None:
        return refusal
    if not 1 <= asked.limit <= MAX_CANDLES:
        return invalid("limit", f"limit must be 1 to {MAX_CANDLES}")
    if asked.since is not None and asked.since > now:
        time = now.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        return invalid("since", f"since must not lie in the future; it is {time}")
    return None
