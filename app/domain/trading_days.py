"""When a trading day begins."""

from datetime import UTC, datetime, time, timedelta, tzinfo


def trading_day_began(now: datetime, *, starts_at: time = time(), zone: tzinfo = UTC) -> datetime:
    """The last time, in UTC, that the clocks of the zone showed the hour at which a day begins."""
    local = now.astimezone(zone)
    today = datetime.combine(local.date(), starts_at, zone).astimezone(UTC)
    if today <= now:
        return today
    yesterday = local.date() - timedelta(days=1)
    return datetime.combine(yesterday, starts_at, zone).astimezone(UTC)
