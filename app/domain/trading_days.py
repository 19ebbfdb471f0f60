"""TradingDay: when a trading day begins and ends, across daylight saving."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from app.domain.local_times import first_reading

_DAY = timedelta(days=1)


@dataclass(frozen=True, kw_only=True, slots=True)
class TradingDay:
    """A trading day in one time zone, named by the date on which it begins."""

    date: date
    began: datetime
    ends: datetime


def trading_day(now: datetime, *, starts_at: time = time(), zone: tzinfo = UTC) -> TradingDay:
    """The trading day that began last; a clock set back does not return to the day before."""
    day = now.astimezone(zone).date() + _DAY
    ends = first_reading(day, starts_at, zone)
    while ends > now:
        day, after = day - _DAY, ends
        ends = first_reading(day, starts_at, zone)
    return TradingDay(date=day, began=ends, ends=after)
