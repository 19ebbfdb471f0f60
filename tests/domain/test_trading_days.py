from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from app.domain.trading_days import trading_day_began

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
    assert trading_day_began(at(now)) == at(began)


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
    found = trading_day_began(at(now), starts_at=time(9), zone=BERLIN)
    assert found == at(began)
    assert found.tzinfo is UTC


def test_the_day_on_which_the_clocks_change_is_an_hour_longer_or_shorter() -> None:
    for last, hours in (("2026-03-29T21:59:59", 23), ("2026-10-25T22:59:59", 25)):
        began = trading_day_began(at(last), zone=BERLIN)
        next_one = trading_day_began(at(last) + timedelta(seconds=1), zone=BERLIN)
        assert next_one - began == timedelta(hours=hours)
