from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis.strategies import (
    builds,
    datetimes,
    frozensets,
    integers,
    just,
    lists,
    sampled_from,
)

from app.domain.local_times import jumps_between
from app.domain.risk.trading_hours import (
    WEEK,
    Blackout,
    TradingHours,
    TradingSession,
    Weekday,
    overlapping,
)
from tests.domain.zones import DST_ZONES

BERLIN = ZoneInfo("Europe/Berlin")
NEW_YORK = ZoneInfo("America/New_York")
WORKDAYS = WEEK[:5]
MINUTE = timedelta(minutes=1)
QUARTER = timedelta(minutes=15)
YEAR = (datetime(2024, 1, 1), datetime(2025, 1, 1))  # noqa: DTZ001


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def session(opens_at: time, closes_at: time, days: tuple[Weekday, ...] = WEEK) -> TradingSession:
    return TradingSession(days=days, opens_at=opens_at, closes_at=closes_at)


def blackout(since: str, until: str) -> Blackout:
    return Blackout(since=at(since), until=at(until), reason="news")


OFFICE = TradingHours(zone=BERLIN, sessions=(session(time(9), time(17), WORKDAYS),))


@pytest.mark.parametrize(
    ("moment", "is_open"),
    [
        ("2026-01-05T07:59:59.999", False),
        ("2026-01-05T08:00:00", True),
        ("2026-01-05T15:59:59.999", True),
        ("2026-01-05T16:00:00", False),
        # Summer time: the same hours on the wall, an hour earlier in UTC.
        ("2026-07-06T07:00:00", True),
        ("2026-07-06T15:00:00", False),
        # A Saturday.
        ("2026-01-10T12:00:00", False),
    ],
)
def test_hours_are_those_of_the_clock_on_the_wall(moment: str, is_open: bool) -> None:
    assert OFFICE.are_open(at(moment)) is is_open


def test_a_close_before_the_open_means_the_next_day() -> None:
    friday_night = TradingHours(zone=UTC, sessions=(session(time(22), time(4), (Weekday.FRIDAY,)),))
    assert [
        friday_night.are_open(at(moment))
        for moment in ("2026-01-09T03:00:00", "2026-01-09T22:00:00", "2026-01-10T03:59:00")
    ] == [False, True, True]
    assert friday_night.next_close(at("2026-01-09T23:00:00")) == at("2026-01-10T04:00:00")


def test_a_close_at_the_open_is_a_whole_day() -> None:
    sunday = TradingHours(zone=UTC, sessions=(session(time(), time(), (Weekday.SUNDAY,)),))
    assert sunday.next_open(at("2026-01-06T00:00:00")) == at("2026-01-11T00:00:00")
    assert sunday.next_close(at("2026-01-06T00:00:00")) == at("2026-01-12T00:00:00")


def test_without_sessions_only_blackouts_close() -> None:
    hours = TradingHours(zone=UTC, blackouts=(blackout("2031-05-01T12:00", "2031-05-01T13:00"),))
    now = at("2026-01-06T00:00:00")
    assert hours.are_open(now)
    assert hours.next_close(now) == at("2031-05-01T12:00:00")
    assert hours.next_open(now) == at("2031-05-01T13:00:00")
    assert hours.next_open(at("2031-05-01T13:00:00")) is None


def test_sessions_that_fill_the_week_never_close() -> None:
    week = TradingHours(zone=BERLIN, sessions=(session(time(6), time(6)),))
    assert week.are_open(at("2026-03-29T01:00:00"))
    assert week.next_close(at("2026-03-28T00:00:00")) is None
    assert week.next_open(at("2026-03-28T00:00:00")) is None


def test_sessions_that_touch_do_not_close_between_each_other() -> None:
    hours = TradingHours(
        zone=UTC, sessions=(session(time(8), time(12)), session(time(12), time(16)))
    )
    assert hours.next_close(at("2026-01-06T09:00:00")) == at("2026-01-06T16:00:00")


def test_a_blackout_of_years_delays_the_next_opening() -> None:
    hours = TradingHours(
        zone=BERLIN,
        sessions=OFFICE.sessions,
        blackouts=(
            blackout("2026-01-05T00:00", "2036-06-20T12:00"),
            blackout("2036-06-20T11:00", "2036-06-22T00:00"),
        ),
    )
    # The 22nd of June 2036 is a Sunday.
    assert hours.next_open(at("2026-01-06T00:00:00")) == at("2036-06-23T07:00:00")
    assert hours.next_close(at("2026-01-06T00:00:00")) == at("2036-06-23T15:00:00")


def test_the_hour_that_comes_twice_is_open_twice() -> None:
    """Half past two to three, while Berlin sets its clocks back from three to two."""
    hours = TradingHours(zone=BERLIN, sessions=(session(time(2, 30), time(3)),))
    turns: list[tuple[datetime, datetime]] = []
    now = at("2026-10-25T00:00:00")
    while len(turns) < 2:
        opened = hours.next_open(now)
        assert opened is not None
        closed = hours.next_close(opened)
        assert closed is not None
        turns.append((opened, closed))
        now = closed
    assert turns == [
        (at("2026-10-25T00:30:00"), at("2026-10-25T01:00:00")),
        (at("2026-10-25T01:30:00"), at("2026-10-25T02:00:00")),
    ]


def test_the_hour_that_is_skipped_is_not_traded() -> None:
    hours = TradingHours(zone=BERLIN, sessions=(session(time(2), time(3)),))
    assert hours.next_open(at("2026-03-28T12:00:00")) == at("2026-03-30T00:00:00")


sessions_of_a_kind = builds(
    TradingSession,
    days=frozensets(sampled_from(WEEK), min_size=1).map(tuple),
    opens_at=builds(time, integers(0, 23), sampled_from([0, 15, 30, 45])),
    closes_at=builds(time, integers(0, 23), sampled_from([0, 15, 30, 45])),
)


@given(lists(sessions_of_a_kind, min_size=1, max_size=4))
def test_sessions_overlap_where_a_minute_of_the_week_is_in_two(
    sessions: list[TradingSession],
) -> None:
    plans = [slow_minutes(one) for one in sessions]
    clashes = {
        (left, right)
        for right in range(len(plans))
        for left in range(right)
        if plans[left] & plans[right]
    }
    assert (overlapping(sessions) in clashes) if clashes else overlapping(sessions) is None


def slow_minutes(one: TradingSession) -> set[tuple[int, int, int]]:
    found = set()
    for day in one.days:
        minute = WEEK.index(day) * 1440 + one.opens_at.hour * 60 + one.opens_at.minute
        end = (one.closes_at.hour, one.closes_at.minute)
        while True:
            found.add(((minute // 1440) % 7, minute % 1440 // 60, minute % 60))
            minute += 1
            if ((minute % 1440) // 60, minute % 60) == end:
                break
    return found


def moments_near_jumps(zone: str) -> list[datetime]:
    jumps = jumps_between(at("2024-01-01T00:00:00"), at("2025-01-01T00:00:00"), ZoneInfo(zone))
    return [jump.replace(second=0) for jump in jumps]


@pytest.mark.parametrize("zone", DST_ZONES)
@settings(max_examples=6)
@given(sessions=lists(sessions_of_a_kind, max_size=3), start=integers(-1500, 1500))
def test_around_every_jump_hours_are_as_a_slow_reading_of_the_clock_says(
    zone: str, sessions: list[TradingSession], start: int
) -> None:
    hours = TradingHours(zone=ZoneInfo(zone), sessions=tuple(sessions))
    plan = {minute for one in sessions for minute in slow_minutes(one)}
    for jump in moments_near_jumps(zone):
        for minutes in (-61, -60, -31, -30, -1, 0, 1, 29, 30, 31, 59, 60, 61, start):
            moment = jump + minutes * MINUTE
            local = moment.astimezone(hours.zone)
            reads = (local.weekday(), local.hour, local.minute)
            assert hours.are_open(moment) is (not sessions or reads in plan)


def do_not_meet(sessions: list[TradingSession]) -> bool:
    return overlapping(sessions) is None


@settings(max_examples=40, deadline=None)
@given(
    zone=sampled_from(DST_ZONES),
    sessions=lists(sessions_of_a_kind, min_size=1, max_size=2).filter(do_not_meet),
    blackouts=lists(
        builds(
            lambda since, quarters: Blackout(
                since=since.replace(minute=0, second=0, microsecond=0),
                until=since.replace(minute=0, second=0, microsecond=0) + quarters * QUARTER,
                reason="x",
            ),
            datetimes(*YEAR, timezones=just(UTC)),
            integers(1, 300),
        ),
        max_size=3,
    ),
    offset=integers(-300, 300),
    which=integers(0, 3),
)
def test_the_next_turn_is_the_one_that_a_walk_finds(
    zone: str, sessions: list[TradingSession], blackouts: list[Blackout], offset: int, which: int,
) -> None:  # fmt: skip
    hours = TradingHours(zone=ZoneInfo(zone), sessions=tuple(sessions), blackouts=tuple(blackouts))
    jumps = moments_near_jumps(zone)
    now = jumps[which % len(jumps)] + offset * QUARTER
    assert (hours.next_open(now), hours.next_close(now)) == (
        walked(hours, now, to_open=True),
        walked(hours, now, to_open=False),
    )


def walked(hours: TradingHours, now: datetime, *, to_open: bool) -> datetime | None:
    plan = {minute for one in hours.sessions for minute in slow_minutes(one)}

    def is_open(moment: datetime) -> bool:
        local = moment.astimezone(hours.zone)
        if any(one.since <= moment < one.until for one in hours.blackouts):
            return False
        return (local.weekday(), local.hour, local.minute) in plan

    was_open, moment = is_open(now), now
    # A blackout may be the only turn of hours that never close.
    last = max([now, *(one.until for one in hours.blackouts)]) + timedelta(days=16)
    while moment < last:
        moment += QUARTER
        if is_open(moment) is not was_open:
            was_open = not was_open
            if was_open is to_open:
                return moment
    return None
