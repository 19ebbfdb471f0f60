"""Reads and validates changes of the trading window, the hours in which entries are allowed."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time
from difflib import get_close_matches
from functools import lru_cache
from zoneinfo import available_timezones

from app.domain.checks import invalid
from app.domain.order_kinds import OrderSource
from app.domain.reasons import REASON, is_reason
from app.domain.risk.trading_hours import WEEK, Blackout, TradingSession, Weekday, overlapping
from app.domain.risk.trading_windows import TradingWindow
from app.errors import Denied, Refusal, RefusalCode

MOST_SECONDS = 7 * 24 * 3600
LAST_BLACKOUT = datetime(2200, 1, 1, tzinfo=UTC)
_TIME = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])", re.ASCII)


@dataclass(frozen=True, kw_only=True, slots=True)
class SessionRequest:
    """A session as the client gave it, with times as text."""

    days: Sequence[Weekday]
    opens_at: str
    closes_at: str


def read_time(text: str, *field: str) -> time:
    """The time of an HH:MM text. Raises Denied if it is not one."""
    found = _TIME.fullmatch(text)
    if found is None:
        words = "a local time is HH:MM, from 00:00 to 23:59"
        raise Denied(_invalid(words, *field))
    return time(int(found[1]), int(found[2]))


def read_sessions(asked: Iterable[SessionRequest]) -> tuple[TradingSession, ...]:
    """The sessions. Raises Denied if one is empty or two overlap."""
    sessions = tuple(_read_session(session, str(place)) for place, session in enumerate(asked))
    clash = overlapping(sessions)
    if clash is not None:
        left, right = clash
        words = f"sessions {left} and {right} are open at the same time"
        raise Denied(_invalid(words, "sessions", str(right)))
    return sessions


def check_window(window: TradingWindow) -> Refusal | None:
    """Why the window may not be set, or None; read_sessions has checked the sessions already."""
    for refusal in (
        _check_sources(window.applies_to),
        _check_timezone(window.timezone),
        _check_least("maxTradesPerDay", window.max_trades_per_day),
        _check_least("maxTradesPerHour", window.max_trades_per_hour),
        _check_cooldown(window.cooldown_seconds),
        *(_check_blackout(blackout, place) for place, blackout in enumerate(window.blackouts)),
    ):
        if refusal is not None:
            return refusal
    return None


def _read_session(asked: SessionRequest, place: str) -> TradingSession:
    if not asked.days:
        words = "a session without days is never open; leave it out"
        raise Denied(_invalid(words, "sessions", place, "days"))
    if len(set(asked.days)) < len(asked.days):
        raise Denied(_invalid("a day stands twice in this session", "sessions", place, "days"))
    return TradingSession(
        days=tuple(sorted(asked.days, key=WEEK.index)),
        opens_at=read_time(asked.opens_at, "sessions", place, "opensAt"),
        closes_at=read_time(asked.closes_at, "sessions", place, "closesAt"),
    )


def _check_sources(sources: Sequence[OrderSource]) -> Refusal | None:
    if not sources or OrderSource.EXTERNAL in sources:
        words = "appliesTo takes API, BOT or both: what others place on the exchange cannot be held"
        return invalid("appliesTo", words)
    return None


def _check_timezone(name: str) -> Refusal | None:
    if name in _timezones():
        return None
    near = get_close_matches(name[:64], _timezones(), n=1)
    hint = f"; did you mean {near[0]}?" if near else ", for example Europe/Berlin"
    return invalid("timezone", f"there is no timezone of this IANA name{hint}")


@lru_cache(maxsize=1)
def _timezones() -> frozenset[str]:
    return frozenset(available_timezones())


def _check_least(field: str, value: int | None) -> Refusal | None:
    if value is None or value >= 0:
        return None
    return invalid(field, f"{field} takes 0 or more, or null for no limit")


def _check_cooldown(seconds: int) -> Refusal | None:
    if 0 <= seconds <= MOST_SECONDS:
        return None
    return invalid("cooldownSeconds", f"cooldownSeconds takes 0 to {MOST_SECONDS}, which is a week")


def _check_blackout(blackout: Blackout, place: int) -> Refusal | None:
    at = ("blackouts", str(place))
    if blackout.until <= blackout.since:
        return _invalid("a blackout ends after it begins", *at, "until")
    if blackout.until > LAST_BLACKOUT:
        return _invalid(f"a blackout ends by {LAST_BLACKOUT:%Y-%m-%d}", *at, "until")
    if not is_reason(blackout.reason):
        return _invalid(REASON, *at, "reason")
    return None


def _invalid(message: str, *field: str) -> Refusal:
    return Refusal(code=RefusalCode.INVALID_INPUT, message=message, field=field)
