"""Local time across daylight saving: when a wall clock jumps, and when it shows which time."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import lru_cache
from itertools import pairwise

_STEP = timedelta(hours=6)
_SECOND = timedelta(seconds=1)


def first_reading(day: date, at: time, zone: tzinfo) -> datetime:
    """The UTC time when a wall clock first shows this time of the day, or jumps over it."""
    wanted = datetime.combine(day, at)
    moment = wanted.replace(tzinfo=zone).astimezone(UTC)
    if _reading(moment, zone) == wanted:
        return moment
    # The clock skips this time: read with the offset before the jump, it lies after the jump.
    jumps = jumps_between(moment - timedelta(days=2), moment + _SECOND, zone)
    return max(jumps, default=moment)


def readings(day: date, at: time, zone: tzinfo) -> Iterator[datetime]:
    """Each UTC time at which a wall clock shows this local time: none, one or two."""
    wanted = datetime.combine(day, at)
    for fold in (0, 1):
        moment = wanted.replace(tzinfo=zone, fold=fold).astimezone(UTC)
        if _reading(moment, zone) == wanted:
            yield moment


def jumps_between(start: datetime, end: datetime, zone: tzinfo) -> list[datetime]:
    """The UTC times in [start, end) at which the zone's clocks jump."""
    day, found = datetime.combine(start.date(), time(), UTC), []
    while day < end:
        found += [jump for jump in _jumps_on(day, zone) if start <= jump < end]
        day += timedelta(days=1)
    return found


@lru_cache(maxsize=1024)
def _jumps_on(day: datetime, zone: tzinfo) -> tuple[datetime, ...]:
    """The jumps after the start of a UTC day, up to and including its end."""
    steps = [day + _STEP * count for count in range(5)]
    return tuple(
        _jump_within(before, after, zone)
        for before, after in pairwise(steps)
        if _offset(before, zone) != _offset(after, zone)
    )


def _jump_within(before: datetime, after: datetime, zone: tzinfo) -> datetime:
    """The first second with the new offset, by bisection."""
    while after - before > _SECOND:
        middle = before + (after - before) // 2
        middle = middle.replace(microsecond=0)
        if _offset(middle, zone) == _offset(before, zone):
            before = middle
        else:
            after = middle
    return after


def _offset(moment: datetime, zone: tzinfo) -> timedelta | None:
    return moment.astimezone(zone).utcoffset()


def _reading(moment: datetime, zone: tzinfo) -> datetime:
    return moment.astimezone(zone).replace(tzinfo=None, fold=0)
