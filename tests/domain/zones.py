"""Zones whose clocks are changed, in every way in which that is done."""

import os
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

_SOME = (
    "Europe/Berlin", "Europe/London", "Europe/Lisbon", "Europe/Chisinau", "Europe/Dublin",
    "America/New_York", "America/Chicago", "America/Denver", "America/Los_Angeles",
    "America/Halifax", "America/St_Johns", "America/Havana", "America/Santiago",
    "America/Asuncion", "America/Nuuk", "America/Scoresbysund", "Africa/Cairo",
    "Africa/Casablanca", "Asia/Beirut", "Asia/Gaza", "Asia/Jerusalem", "Australia/Sydney",
    "Australia/Lord_Howe", "Pacific/Auckland", "Pacific/Chatham", "Antarctica/Troll",
)  # fmt: skip


def _all() -> tuple[str, ...]:
    return tuple(sorted(name for name in available_timezones() if _changes(ZoneInfo(name))))


def _changes(zone: ZoneInfo) -> bool:
    weeks = (datetime(2024, 1, 1, tzinfo=UTC) + timedelta(days=7 * count) for count in range(53))
    return len({week.astimezone(zone).utcoffset() for week in weeks}) > 1


DST_ZONES = _all() if os.environ.get("ORDERDECK_TEST_SOAK") else _SOME
