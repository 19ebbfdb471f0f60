"""TradingWindow: when and how many entries are allowed, and the checks of an order against it."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from app.domain.checks import CheckResult
from app.domain.order_kinds import OrderSource
from app.domain.risk.trading_hours import Blackout, TradingHours, TradingSession
from app.domain.trading_days import TradingDay, trading_day
from app.errors import Refusal, RefusalCode

HOUR = timedelta(hours=1)


@dataclass(frozen=True, kw_only=True, slots=True)
class TradingWindow:
    """The configured window; the default allows everything."""

    enabled: bool = False
    applies_to: tuple[OrderSource, ...] = (OrderSource.API, OrderSource.BOT)
    timezone: str = "UTC"
    # None means around the clock.
    sessions: tuple[TradingSession, ...] = ()
    blackouts: tuple[Blackout, ...] = ()
    max_trades_per_day: int | None = None
    max_trades_per_hour: int | None = None
    cooldown_seconds: int = 0
    day_starts_at: time = time()

    @property
    def hours(self) -> TradingHours:
        return TradingHours(
            zone=ZoneInfo(self.timezone), sessions=self.sessions, blackouts=self.blackouts
        )

    @property
    def counts(self) -> bool:
        """Whether earlier trades matter, so that they must be counted."""
        limits = (self.max_trades_per_day, self.max_trades_per_hour)
        return self.enabled and (limits != (None, None) or self.cooldown_seconds > 0)

    def day(self, now: datetime) -> TradingDay:
        return trading_day(now, starts_at=self.day_starts_at, zone=ZoneInfo(self.timezone))


@dataclass(frozen=True, kw_only=True, slots=True)
class TradeCounts:
    """The number of earlier entries: orders that passed the gate and were not rejected."""

    today: int = 0
    # In the last 60 minutes.
    this_hour: int = 0
    last_at: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class WindowState:
    """The window and the trades counted against it at one moment."""

    window: TradingWindow
    trades: TradeCounts
    at: datetime

    @property
    def is_open(self) -> bool:
        return not self.window.enabled or self.window.hours.are_open(self.at)

    @property
    def day(self) -> TradingDay:
        return self.window.day(self.at)

    @property
    def reason(self) -> str | None:
        """Why an entry would be refused now, or None."""
        refusals = (checked.refusal for checked in examine_window(self))
        return next((refusal.message for refusal in refusals if refusal is not None), None)

    @property
    def remaining(self) -> int | None:
        rests = [
            limit - count
            for limit, count in (
                (self.window.max_trades_per_day, self.trades.today),
                (self.window.max_trades_per_hour, self.trades.this_hour),
            )
            if limit is not None
        ]
        return max(min(rests), 0) if rests and self.window.enabled else None

    @property
    def next_open(self) -> datetime | None:
        return self.window.hours.next_open(self.at) if self.window.enabled else None

    @property
    def next_close(self) -> datetime | None:
        return self.window.hours.next_close(self.at) if self.window.enabled else None


def examine_window(state: WindowState) -> Iterator[CheckResult]:
    """The window's checks of an entry now, in the order in which they run."""
    if not state.window.enabled:
        state = replace(state, window=TradingWindow())
    yield _check_hours(state)
    yield _check_count(
        "maxTradesPerDay", "today", state.window.max_trades_per_day, state.trades.today
    )
    yield _check_count(
        "maxTradesPerHour",
        "in the last hour",
        state.window.max_trades_per_hour,
        state.trades.this_hour,
    )
    yield _check_cooldown(state)


def _check_hours(state: WindowState) -> CheckResult:
    name = "tradingHours"
    if state.is_open:
        return CheckResult(name=name)
    blackout = state.window.hours.blackout_at(state.at)
    why = "outside its sessions" if blackout is None else f"in a blackout: {blackout.reason}"
    opens = state.next_open
    until = "" if opens is None else f"; it opens at {opens:%Y-%m-%d %H:%M} UTC"
    return CheckResult(name=name, refusal=_closed(f"the trading window is closed, {why}{until}"))


def _check_count(name: str, when: str, limit: int | None, count: int) -> CheckResult:
    if limit is None:
        return CheckResult(name=name)
    refusal = None
    if count >= limit:
        refusal = _closed(f"the trading window allows {limit} trades; {count} were made {when}")
    return CheckResult(name=name, limit=str(limit), actual=str(count), refusal=refusal)


def _check_cooldown(state: WindowState) -> CheckResult:
    name, seconds, last = "cooldown", state.window.cooldown_seconds, state.trades.last_at
    if not seconds:
        return CheckResult(name=name)
    if last is None:
        return CheckResult(name=name, limit=str(seconds))
    since, refusal = int((state.at - last).total_seconds()), None
    over = last + timedelta(seconds=seconds)
    if state.at < over:
        refusal = _closed(
            f"the trading window asks for {seconds} s between trades; the next may come at"
            f" {over:%Y-%m-%d %H:%M:%S} UTC"
        )
    return CheckResult(name=name, limit=str(seconds), actual=str(since), refusal=refusal)


def _closed(message: str) -> Refusal:
    return Refusal(code=RefusalCode.WINDOW_CLOSED, message=message, retryable=True)
