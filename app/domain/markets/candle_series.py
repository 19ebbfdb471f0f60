"""Candles one after the other: how those that are kept and those that are told become one."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import pairwise

from app.domain.markets.candles import MAX_CANDLES, Candle, CandleRequest, span_of

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
class SeriesChanges:
    """How what is told differs from what is kept."""

    told: Sequence[Candle]
    gone: Sequence[datetime]
    # What began earlier may have been corrected too, or does not lead up to what is told.
    doubtful_before: datetime | None

    def __bool__(self) -> bool:
        return bool(self.told or self.gone or self.doubtful_before)


def all_of(wanted: CandleRequest, now: datetime) -> CandleRequest:
    """With the one that runs, where a request can be so long."""
    if wanted.limit < MAX_CANDLES:
        return replace(wanted, limit=wanted.limit + 1)
    # So many begin after that, and then the one that runs.
    return replace(wanted, since=now - (wanted.limit + 1) * wanted.span + _MILLISECOND)


def rest_of(wanted: CandleRequest, kept: Sequence[Candle], now: datetime) -> CandleRequest | None:
    """What has closed since, and the newest again; None where all are to be asked for."""
    newest = kept[-wanted.limit :]
    is_enough = len(newest) == wanted.limit and _is_whole(newest, wanted.span)
    if not is_enough or _is_of_old(newest[-1], wanted.span, now):
        return None
    since = newest[-OVERLAP:][0].at
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


def changes(kept: Sequence[Candle], told: Sequence[Candle]) -> SeriesChanges:
    before, after = {one.at: one for one in kept}, {one.at for one in told}
    is_doubtful = bool(kept and told) and before.get(told[0].at) != told[0]
    return SeriesChanges(
        told=[one for one in closed(told) if before.get(one.at) != one],
        gone=[at for at in before if at not in after and told and told[0].at < at < told[-1].at],
        doubtful_before=told[0].at if is_doubtful else None,
    )


def _is_whole(candles: Sequence[Candle], span: timedelta) -> bool:
    """Whether each begins where the one before it ends."""
    return all(one.at + span == after.at for one, after in pairwise(candles))


def _is_of_old(newest: Candle, span: timedelta, now: datetime) -> bool:
    """Whether the next one closes another day: what was corrected late is learned then."""
    ended = newest.at + span
    return ended.date() != now.date() and ended + span <= now
