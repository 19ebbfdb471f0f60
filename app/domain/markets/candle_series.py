"""CandleSeries: joins stored candles with those that the exchange reports."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import pairwise

from app.domain.markets.candles import MAX_CANDLES, Candle, CandleRequest, span_of

# How many of the newest stored candles are requested again: exchanges correct the newest.
OVERLAP = 3
_MILLISECOND = timedelta(milliseconds=1)


@dataclass(frozen=True, kw_only=True, slots=True)
class CandleSeries:
    """The candles of one market and timeframe from one source."""

    source: str
    symbol: str
    timeframe: str

    @property
    def span(self) -> timedelta:
        """The length of each candle."""
        span = span_of(self.timeframe)
        assert span is not None  # noqa: S101 - others are refused
        return span


@dataclass(frozen=True, kw_only=True, slots=True)
class SeriesChanges:
    """How the reported candles differ from the stored ones."""

    # New or corrected candles.
    changed: Sequence[Candle]
    # Stored candles that the exchange no longer reports, by start time.
    gone: Sequence[datetime]
    # Candles before this time may have been corrected too, or do not connect to the reported ones.
    doubtful_before: datetime | None

    def __bool__(self) -> bool:
        return bool(self.changed or self.gone or self.doubtful_before)


def all_of(wanted: CandleRequest, now: datetime) -> CandleRequest:
    """A request for all wanted candles and the unfinished one, if that many can be requested."""
    if wanted.limit < MAX_CANDLES:
        return replace(wanted, limit=wanted.limit + 1)
    # From here on exactly `limit` candles begin, and then the unfinished one.
    return replace(wanted, since=now - (wanted.limit + 1) * wanted.span + _MILLISECOND)


def rest_of(wanted: CandleRequest, kept: Sequence[Candle], now: datetime) -> CandleRequest | None:
    """A request for the newest stored candles and all later ones; None if all are needed."""
    newest = kept[-wanted.limit :]
    is_enough = len(newest) == wanted.limit and _is_contiguous(newest, wanted.span)
    if not is_enough or _is_outdated(newest[-1], wanted.span, now):
        return None
    since = newest[-OVERLAP:][0].at
    limit = (now - since) // wanted.span
    return replace(wanted, since=since, limit=limit) if limit < wanted.limit else None


def joined(
    kept: Sequence[Candle], reported: Sequence[Candle], asked: CandleRequest, now: datetime
) -> Sequence[Candle] | None:
    """Stored and reported candles in one; None if they do not connect or do not reach now."""
    before = [candle for candle in kept if asked.since is None or candle.at < asked.since]
    # If the first candle reported again was corrected, those before it may have been too.
    if (
        not reported
        or reported[0] not in kept[len(before) :][:1]
        or not _is_contiguous(reported, asked.span)
    ):
        return None
    if reported[-1].at + 2 * asked.span <= now:
        return None
    return [*before, *closed(reported)]


def begins_a_day(kept: Sequence[Candle], told: Candle, span: timedelta) -> bool:
    """Whether this is the first candle to close on its day: then late corrections are fetched."""
    return bool(kept) and _is_outdated(kept[-1], span, told.at + span)


def continued(
    kept: Sequence[Candle], told: Candle, wanted: CandleRequest
) -> Sequence[Candle] | None:
    """Stored candles and one that has closed since; None if it does not connect to enough."""
    if not kept or len(kept) < wanted.limit:
        return None
    if told.at <= kept[-1].at:
        return kept
    return [*kept, told] if kept[-1].at + wanted.span == told.at else None


def closed(reported: Sequence[Candle]) -> Sequence[Candle]:
    return [candle for candle in reported if candle.is_closed]


def changes(kept: Sequence[Candle], reported: Sequence[Candle]) -> SeriesChanges:
    before, after = {candle.at: candle for candle in kept}, {candle.at for candle in reported}
    is_doubtful = bool(kept and reported) and before.get(reported[0].at) != reported[0]
    return SeriesChanges(
        changed=[candle for candle in closed(reported) if before.get(candle.at) != candle],
        gone=[
            at
            for at in before
            if at not in after and reported and reported[0].at < at < reported[-1].at
        ],
        doubtful_before=reported[0].at if is_doubtful else None,
    )


def _is_contiguous(candles: Sequence[Candle], span: timedelta) -> bool:
    """Whether each candle begins where the one before it ends."""
    return all(before.at + span == after.at for before, after in pairwise(candles))


def _is_outdated(newest: Candle, span: timedelta, now: datetime) -> bool:
    """Whether the next candle closes on another day: then late corrections are fetched too."""
    ended = newest.at + span
    return ended.date() != now.date() and ended + span <= now
