from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest

from app.domain.order_kinds import OrderSource
from app.domain.risk.trading_hours import WEEK, Blackout, TradingSession, Weekday
from app.domain.risk.trading_window_changes import (
    SessionRequest,
    check_window,
    read_sessions,
    read_time,
)
from app.domain.risk.trading_windows import TradeCounts, TradingWindow, WindowState, examine_window
from app.errors import Denied, RefusalCode

NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)
OPEN = TradingWindow(enabled=True)


def state(window: TradingWindow, trades: TradeCounts | None = None) -> WindowState:
    return WindowState(window=window, trades=trades or TradeCounts(), at=NOW)


def test_a_window_that_is_not_enabled_holds_nothing_back() -> None:
    shut = replace(_closed(), enabled=False, max_trades_per_day=0, cooldown_seconds=60)
    found = state(shut, TradeCounts(today=9, this_hour=9, last_at=NOW))
    assert (found.is_open, found.reason, found.remaining) == (True, None, None)
    assert (found.next_open, found.next_close) == (None, None)
    assert all(checked.has_passed for checked in examine_window(found))


def test_a_closed_window_says_when_it_opens() -> None:
    found = state(_closed())
    assert not found.is_open
    assert found.reason == (
        "the trading window is closed, outside its sessions; it opens at 2026-01-06 09:00 UTC"
    )


def test_a_blackout_is_told_with_its_reason() -> None:
    news = Blackout(since=NOW, until=NOW + timedelta(hours=1), reason="interest rates")
    found = state(replace(OPEN, blackouts=(news,)))
    assert found.reason is not None
    assert "in a blackout: interest rates" in found.reason
    assert "it opens at 2026-01-05 13:00 UTC" in found.reason


@pytest.mark.parametrize(
    ("window", "trades", "is_allowed", "remaining"),
    [
        (replace(OPEN, max_trades_per_day=3), TradeCounts(today=2), True, 1),
        (replace(OPEN, max_trades_per_day=3), TradeCounts(today=3), False, 0),
        (replace(OPEN, max_trades_per_day=0), TradeCounts(), False, 0),
        (replace(OPEN, max_trades_per_hour=2), TradeCounts(today=9, this_hour=1), True, 1),
        (replace(OPEN, max_trades_per_hour=2), TradeCounts(today=9, this_hour=2), False, 0),
        (replace(OPEN, max_trades_per_day=9, max_trades_per_hour=2), TradeCounts(today=8), True, 1),
        # A limit was lowered below what was traded already.
        (replace(OPEN, max_trades_per_day=1), TradeCounts(today=5), False, 0),
    ],
)
def test_trades_are_held_against_their_limits(
    window: TradingWindow, trades: TradeCounts, is_allowed: bool, remaining: int
) -> None:
    found = state(window, trades)
    assert (found.reason is None, found.remaining) == (is_allowed, remaining)


@pytest.mark.parametrize(("seconds", "is_allowed"), [(59.999, False), (60, True)])
def test_a_trade_waits_until_the_last_is_long_enough_ago(seconds: float, is_allowed: bool) -> None:
    last = NOW - timedelta(seconds=seconds)
    found = state(replace(OPEN, cooldown_seconds=60), TradeCounts(last_at=last))
    assert (found.reason is None) is is_allowed


def test_every_refusal_of_the_window_may_be_tried_again() -> None:
    window = replace(_closed(), max_trades_per_day=0, max_trades_per_hour=0, cooldown_seconds=9)
    refusals = [
        checked.refusal for checked in examine_window(state(window, TradeCounts(last_at=NOW)))
    ]
    assert len(refusals) == 4
    for refusal in refusals:
        assert refusal is not None
        assert (refusal.code, refusal.retryable) == (RefusalCode.WINDOW_CLOSED, True)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"timezone": "Europe/Berln"}, ("timezone",)),
        ({"timezone": "../etc/passwd"}, ("timezone",)),
        ({"timezone": ""}, ("timezone",)),
        ({"applies_to": ()}, ("appliesTo",)),
        ({"applies_to": (OrderSource.EXTERNAL,)}, ("appliesTo",)),
        ({"max_trades_per_day": -1}, ("maxTradesPerDay",)),
        ({"max_trades_per_hour": -1}, ("maxTradesPerHour",)),
        ({"cooldown_seconds": -1}, ("cooldownSeconds",)),
        ({"cooldown_seconds": 604801}, ("cooldownSeconds",)),
        ({"blackouts": (Blackout(since=NOW, until=NOW, reason="x"),)}, ("blackouts", "0", "until")),
        (
            {"blackouts": (Blackout(since=NOW, until=NOW.replace(year=9999), reason="x"),)},
            ("blackouts", "0", "until"),
        ),
        (
            {"blackouts": (Blackout(since=NOW, until=NOW.replace(year=2027), reason=" "),)},
            ("blackouts", "0", "reason"),
        ),
    ],
)
def test_what_makes_no_sense_is_refused_by_name(
    changes: dict[str, Any], field: tuple[str, ...]
) -> None:
    refusal = check_window(replace(OPEN, **changes))
    assert refusal is not None
    assert (refusal.code, refusal.field) == (RefusalCode.INVALID_INPUT, field)


def test_a_misspelt_timezone_is_answered_with_the_nearest() -> None:
    refusal = check_window(replace(OPEN, timezone="Europe/Berln"))
    assert refusal is not None
    assert "did you mean Europe/Berlin?" in refusal.message


@pytest.mark.parametrize(
    ("sessions", "field"),
    [
        ([SessionRequest(days=[], opens_at="09:00", closes_at="17:00")], ("sessions", "0", "days")),
        (
            [SessionRequest(days=[WEEK[0], WEEK[0]], opens_at="09:00", closes_at="17:00")],
            ("sessions", "0", "days"),
        ),
        (
            [SessionRequest(days=WEEK, opens_at="9:00", closes_at="17:00")],
            ("sessions", "0", "opensAt"),
        ),
        (
            [SessionRequest(days=WEEK, opens_at="09:00", closes_at="24:00")],
            ("sessions", "0", "closesAt"),
        ),
        (
            [
                SessionRequest(days=[Weekday.SUNDAY], opens_at="22:00", closes_at="06:00"),
                SessionRequest(days=[Weekday.MONDAY], opens_at="05:59", closes_at="17:00"),
            ],
            ("sessions", "1"),
        ),
    ],
)
def test_sessions_that_are_empty_or_meet_are_refused_by_place(
    sessions: list[SessionRequest], field: tuple[str, ...]
) -> None:
    with pytest.raises(Denied) as denied:
        read_sessions(sessions)
    assert denied.value.refusal.field == field


@pytest.mark.parametrize(
    "text", ["", "24:00", "23:60", "1:00", "01:00:00", "\u0660\u0661:\u0660\u0660", "01:0a"]
)
def test_a_local_time_has_hours_and_minutes(text: str) -> None:
    with pytest.raises(Denied):
        read_time(text, "dayStartsAt")


def _closed() -> TradingWindow:
    tomorrow = TradingSession(days=(Weekday.TUESDAY,), opens_at=time(9), closes_at=time(17))
    return replace(OPEN, sessions=(tomorrow,))
