from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis.strategies import datetimes, just, sampled_from

from app.domain.trading_days import trading_day
from tests.domain.zones import DST_ZONES

BERLIN = ZoneInfo("Europe/Berlin")


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("now", "began"),
    [
        ("2026-01-05T00:00:00", "2026-01-05T00:00:00"),
        ("2026-01-05T23:59:59.999", "2026-01-05T00:00:00"),
        ("2026-01-06T00:00:00", "2026-01-06T00:00:00"),
    ],
)
def test_a_day_begins_at_midnight_utc(now: str, began: str) -> None:
    assert trading_day(at(now)).began == at(began)


@pytest.mark.parametrize(
    ("now", "began"),
    [
        ("2026-01-05T07:59:59", "2026-01-04T08:00:00"),
        ("2026-01-05T08:00:00", "2026-01-05T08:00:00"),
        # Summer time: the same hour on the wall comes an hour earlier in UTC.
        ("2026-07-05T07:00:00", "2026-07-05T07:00:00"),
        ("2026-07-05T06:59:59", "2026-07-04T07:00:00"),
    ],
)
def test_a_day_begins_at_an_hour_on_the_wall(now: str, began: str) -> None:
    found = trading_day(at(now), starts_at=time(9), zone=BERLIN).began
    assert found == at(began)
    assert found.tzinfo is UTC


def test_the_day_on_which_the_clocks_change_is_an_hour_longer_or_shorter() -> None:
    for last, hours in (("2026-03-29T21:59:59", 23), ("2026-10-25T22:59:59", 25)):
        day = trading_day(at(last), zone=BERLIN)
        assert day.ends == at(last) + timedelta(seconds=1)
        assert day.ends - day.began == timedelta(hours=hours)


def test_a_day_whose_hour_is_skipped_begins_with_the_jump() -> None:
    early = trading_day(at("2026-03-29T00:59:59"), starts_at=time(2, 30), zone=BERLIN)
    later = trading_day(at("2026-03-29T01:00:00"), starts_at=time(2, 30), zone=BERLIN)
    assert (early.date, later.date) == (date(2026, 3, 28), date(2026, 3, 29))
    assert early.ends == later.began == at("2026-03-29T01:00:00")


def test_a_clock_that_is_set_back_does_not_bring_back_a_day() -> None:
    """Half past two comes twice; the day begins with the first."""
    began = at("2026-10-25T00:30:00")
    for minutes in (0, 31, 59, 60, 61, 120):
        now = began + timedelta(minutes=minutes)
        assert trading_day(now, starts_at=time(2, 30), zone=BERLIN).began == began


def test_a_date_that_never_was_has_no_trading_day() -> None:
    """Samoa went from the 29th to the 31st of December 2011."""
    apia, jump = ZoneInfo("Pacific/Apia"), at("2011-12-30T10:00:00")
    assert trading_day(jump - timedelta(seconds=1), zone=apia).date == date(2011, 12, 29)
    assert trading_day(jump, zone=apia).date == date(2011, 12, 31)


@settings(max_examples=80)
@given(
    zone=sampled_from(DST_ZONES),
    now=datetimes(datetime(2024, 1, 1), datetime(2027, 1, 1), timezones=just(UTC)),  # noqa: DTZ001
    starts_at=sampled_from([time(), time(1, 30), time(2, 30), time(9), time(23, 55)]),
)
def test_a_day_is_the_last_that_began_by_the_clock_on_the_wall(
    zone: str, now: datetime, starts_at: time
) -> None:
    """Against a walk, minute by minute, over the three days before."""
    assert trading_day(now, starts_at=starts_at, zone=ZoneInfo(zone)).date == _walked(
        now, starts_at, ZoneInfo(zone)
    )


def _walked(now: datetime, starts_at: time, zone: ZoneInfo) -> date:
    latest = date.min
    step = now.replace(minute=0, second=0, microsecond=0) - timedelta(days=3)
    while step <= now:
        local = step.astimezone(zone)
        day = local.date() if local.time() >= starts_at else local.date() - timedelta(days=1)
        latest, step = max(latest, day), step + timedelta(minutes=5)
    return latest
