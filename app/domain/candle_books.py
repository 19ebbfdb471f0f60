"""Candles one after the other: how those that are kept and those that are told become one."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import pairwise

from app.domain.candles import MAX_CANDLES, Candle, CandleRequest, span_of

# So many of those that are kept are asked for again: exchanges correct the newest.
OVERLAP = 3
_MILLISECOND = timedelta(milliseconds=1)


@dataclass(frozen=True, kw_only=True, slots=True)
class CandleSeries:
    """The candles of one market as one source tells them."""

    source: str
    symbol: str
    timeframe: str

    @property
    def span(self) -> timedelta:
        """How long each of them lasts."""
        span = span_of(self.timeframe)
        assert span is not None  # noqa: S101 - others are refused
        return span


@dataclass(frozen=True, kw_only=True, slots=True)
class Changes:
    """How what is told differs from what is kept."""

    told: Sequence[Candle]
    gone: Sequence[datetime]

    def __bool__(self) -> bool:
        return bool(self.told or self.gone)


def all_of(wanted: CandleRequest, now: datetime) -> CandleRequest:
    """With the one that runs, where a request can be so long."""
    if wanted.limit < MAX_CANDLES:
        return replace(wanted, limit=wanted.limit + 1)
    # So many begin after that, and then the one that runs.
    return replace(wanted, since=now - (wanted.limit + 1) * wanted.span + _MILLISECOND)


def rest_of(wanted: CandleRequest, kept: Sequence[Candle], now: datetime) -> CandleRequest | None:
    """What has closed since, and the newest again; None where all are to be asked for."""
    if (
        len(kept) < wanted.limit
        or not _is_whole(kept, wanted.span)
        or _is_of_old(kept, wanted, now)
    ):
        return None
    since = kept[-OVERLAP:][0].at
    limit = (now - since) // wanted.span
    return replace(wanted, since=since, limit=limit) if limit < wanted.limit else None


def joined(
    kept: Sequence[Candle], told: Sequence[Candle], asked: CandleRequest, now: datetime
) -> Sequence[Candle] | None:
    """None where they do not follow on each other, or do not reach until now."""
    before = [one for one in kept if asked.since is None or one.at < asked.since]
    # Where the first that is told again was corrected, those before it may have been too.
    if not told or told[0] not in kept[len(before) :][:1] or not _is_whole(told, asked.span):
        return None
    if told[-1].at + 2 * asked.span <= now:
        return None
    return [*before, *closed(told)]


def closed(told: Sequence[Candle]) -> Sequence[Candle]:
    return [one for one in told if one.is_closed]


def changes(kept: Sequence[Candle], told: Sequence[Candle]) -> Changes:
    """What is new, what was corrected, and what there is no more between those that are told."""
    before = {one.at: one for one in kept}
    after = {one.at: one for one in closed(told)}
    return Changes(
        told=[one for at, one in after.items() if before.get(at) != one],
        gone=[at for at in before.keys() - after if min(after, default=at) < at < max(after)],
    )


def _is_whole(candles: Sequence[Candle], span: timedelta) -> bool:
    """Whether each begins where the one before it ends."""
    return all(one.at + span == after.at for one, after in pairwise(candles))


def _is_of_old(kept: Sequence[Candle], wanted: CandleRequest, now: datetime) -> bool:
    """Whether the next one closes a day: what was corrected long after is learned then."""
    ended = kept[-1].at + wanted.span
    return ended.date() != now.date() and ended + wanted.span <= now
