"""TradingHours: the hours in which entries are allowed, by the zone's wall clock."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo
from enum import StrEnum
from itertools import pairwise

from app.domain.local_times import jumps_between, readings

_DAY_MINUTES = 24 * 60
_WEEK_MINUTES = 7 * _DAY_MINUTES
# A week plus clock jumps: sessions that change at all change within this time.
_HORIZON = timedelta(days=9)
_DAY = timedelta(days=1)


class Weekday(StrEnum):
    """The days of the week, in order."""

    MONDAY = "MONDAY"
    TUESDAY = "TUESDAY"
    WEDNESDAY = "WEDNESDAY"
    THURSDAY = "THURSDAY"
    FRIDAY = "FRIDAY"
    SATURDAY = "SATURDAY"
    SUNDAY = "SUNDAY"

    @classmethod
    def of(cls, day: date) -> "Weekday":
        return WEEK[day.weekday()]


WEEK = tuple(Weekday)


@dataclass(frozen=True, kw_only=True, slots=True)
class TradingSession:
    """Local hours on some days; if it closes at or before it opens, it closes the next day."""

    days: tuple[Weekday, ...]
    opens_at: time
    closes_at: time

    @property
    def is_overnight(self) -> bool:
        return self.closes_at <= self.opens_at

    def holds(self, local: datetime) -> bool:
        """Whether this local time is within the session."""
        now, today = local.time(), Weekday.of(local.date())
        if not self.is_overnight:
            return today in self.days and self.opens_at <= now < self.closes_at
        yesterday = Weekday.of(local.date() - _DAY)
        return (today in self.days and now >= self.opens_at) or (
            yesterday in self.days and now < self.closes_at
        )

    def spans(self) -> Iterator[tuple[int, int]]:
        """Start and end of each day's session in minutes of the week; the last may end after it."""
        opens, closes = _minute(self.opens_at), _minute(self.closes_at)
        length = closes - opens + (_DAY_MINUTES if self.is_overnight else 0)
        for day in self.days:
            start = WEEK.index(day) * _DAY_MINUTES + opens
            yield start, start + length


@dataclass(frozen=True, kw_only=True, slots=True)
class Blackout:
    """A time in which no entry is allowed, even within sessions."""

    since: datetime
    until: datetime
    reason: str

    def holds(self, at: datetime) -> bool:
        return self.since <= at < self.until


@dataclass(frozen=True, kw_only=True, slots=True)
class TradingHours:
    """Sessions (around the clock if there are none) minus blackouts."""

    zone: tzinfo
    sessions: tuple[TradingSession, ...] = ()
    blackouts: tuple[Blackout, ...] = ()

    def are_open(self, at: datetime) -> bool:
        return self.blackout_at(at) is None and self._is_in_session(at)

    def blackout_at(self, at: datetime) -> Blackout | None:
        """The blackout at this time; of several, the one that ends last."""
        holding = [blackout for blackout in self.blackouts if blackout.holds(at)]
        return max(holding, key=lambda blackout: blackout.until, default=None)

    def next_open(self, after: datetime) -> datetime | None:
        return self._next_turn(after, to_open=True)

    def next_close(self, after: datetime) -> datetime | None:
        return self._next_turn(after, to_open=False)

    def _next_turn(self, after: datetime, *, to_open: bool) -> datetime | None:
        """The first time after this at which the hours open (or close)."""
        was_open = self.are_open(after)
        while True:
            edges = self._session_edges(after)
            end = edges[-1] if edges else None
            for edge in sorted({*edges, *self._blackout_edges(after, end)}):
                is_open = self.are_open(edge)
                if is_open is to_open and is_open is not was_open:
                    return edge
                was_open = is_open
            if end is None:
                return None
            blackout = self.blackout_at(end)
            after = end if blackout is None else max(end, blackout.until - _DAY)
            was_open = self.are_open(after)

    def _session_edges(self, after: datetime) -> list[datetime]:
        """Every time in the next nine days at which sessions may open or close; else empty."""
        if self._is_always_in_session:
            return []
        first = after.astimezone(self.zone).date() - _DAY
        found = set(jumps_between(after, after + _HORIZON, self.zone))
        times = {at for session in self.sessions for at in (session.opens_at, session.closes_at)}
        for offset in range(_HORIZON.days + 2):
            day = first + timedelta(days=offset)
            found.update(moment for at in times for moment in readings(day, at, self.zone))
        return sorted(edge for edge in found if after < edge <= after + _HORIZON)

    def _blackout_edges(self, after: datetime, until: datetime | None) -> Iterator[datetime]:
        for blackout in self.blackouts:
            for edge in (blackout.since, blackout.until):
                if edge > after and (until is None or edge <= until):
                    yield edge

    def _is_in_session(self, at: datetime) -> bool:
        local = at.astimezone(self.zone)
        return not self.sessions or any(session.holds(local) for session in self.sessions)

    @property
    def _is_always_in_session(self) -> bool:
        minutes = sum(end - start for session in self.sessions for start, end in session.spans())
        return not self.sessions or minutes >= _WEEK_MINUTES


def overlapping(sessions: Sequence[TradingSession]) -> tuple[int, int] | None:
    """The indexes of the first two sessions that overlap; twice the same if one overlaps itself."""
    spans = sorted(
        (start, end, place)
        for place, session in enumerate(sessions)
        for start, end in session.spans()
    )
    around = [*spans, *_next_week(spans[:1])]
    for (_, end, left), (start, _, right) in pairwise(around):
        if start < end:
            return min(left, right), max(left, right)
    return None


def _next_week(spans: Iterable[tuple[int, int, int]]) -> Iterator[tuple[int, int, int]]:
    for start, end, place in spans:
        yield start + _WEEK_MINUTES, end + _WEEK_MINUTES, place


def _minute(at: time) -> int:
    return at.hour * 60 + at.minute
