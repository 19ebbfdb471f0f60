"""The trading window: sessions, blackouts and limits on entries, its state and its changes."""

from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing
from datetime import date, datetime
from typing import Annotated, Any

import strawberry

from app.domain.access.audit import THE_ONE
from app.domain.order_kinds import OrderSource
from app.domain.risk import trading_hours, trading_windows
from app.domain.risk.trading_hours import Weekday
from app.domain.risk.trading_window_changes import SessionRequest, read_sessions, read_time
from app.services.risk.trading_windows import ShownWindow
from schema import ids
from schema.context import Info
from schema.input_bounds import counted
from schema.types.orders import Refusal

strawberry.enum(Weekday)


@strawberry.type
class TradingSession:
    days: list[Weekday]
    opens_at: str
    closes_at: str

    @classmethod
    def of(cls, session: trading_hours.TradingSession) -> "TradingSession":
        return cls(
            days=list(session.days),
            opens_at=f"{session.opens_at:%H:%M}",
            closes_at=f"{session.closes_at:%H:%M}",
        )


@strawberry.type
class Blackout:
    from_: datetime = strawberry.field(name="from")
    until: datetime
    reason: str

    @classmethod
    def of(cls, blackout: trading_hours.Blackout) -> "Blackout":
        return cls(from_=blackout.since, until=blackout.until, reason=blackout.reason)


@strawberry.type
class TradingWindow:
    id: strawberry.ID
    enabled: bool
    applies_to: list[OrderSource]
    timezone: str
    sessions: list[TradingSession]
    blackouts: list[Blackout]
    max_trades_per_day: int | None
    max_trades_per_hour: int | None
    cooldown_seconds: int
    day_starts_at: str
    is_open: bool
    can_trade: bool
    reason: str | None
    trading_day: date
    trades_today: int
    remaining_trades: int | None
    next_open_at: datetime | None
    next_close_at: datetime | None

    @classmethod
    def of(cls, state: trading_windows.WindowState) -> "TradingWindow":
        window, reason = state.window, state.reason
        return cls(
            id=ids.encode(ids.Kind.WINDOW, THE_ONE),
            enabled=window.enabled,
            applies_to=list(window.applies_to),
            timezone=window.timezone,
            sessions=[TradingSession.of(session) for session in window.sessions],
            blackouts=[Blackout.of(blackout) for blackout in window.blackouts],
            max_trades_per_day=window.max_trades_per_day,
            max_trades_per_hour=window.max_trades_per_hour,
            cooldown_seconds=window.cooldown_seconds,
            day_starts_at=f"{window.day_starts_at:%H:%M}",
            is_open=state.is_open,
            can_trade=reason is None,
            reason=reason,
            trading_day=state.day.date,
            trades_today=state.trades.today,
            remaining_trades=state.remaining,
            next_open_at=state.next_open,
            next_close_at=state.next_close,
        )


@strawberry.input
class TradingSessionInput:
    days: list[Weekday]
    opens_at: str
    closes_at: str

    def to_domain(self) -> SessionRequest:
        return SessionRequest(days=self.days, opens_at=self.opens_at, closes_at=self.closes_at)


@strawberry.input
class BlackoutInput:
    from_: datetime = strawberry.field(name="from")
    until: datetime
    reason: str

    def to_domain(self) -> trading_hours.Blackout:
        return trading_hours.Blackout(since=self.from_, until=self.until, reason=self.reason)


@strawberry.input
class TradingWindowInput:
    enabled: bool | None = strawberry.UNSET
    applies_to: list[OrderSource] | None = strawberry.UNSET
    timezone: str | None = strawberry.UNSET
    sessions: list[TradingSessionInput] | None = strawberry.UNSET
    blackouts: list[BlackoutInput] | None = strawberry.UNSET
    max_trades_per_day: int | None = strawberry.UNSET
    max_trades_per_hour: int | None = strawberry.UNSET
    cooldown_seconds: int | None = strawberry.UNSET
    day_starts_at: str | None = strawberry.UNSET

    def changes(self) -> dict[str, Any]:
        """The given fields; null resets a field to its default."""
        default = trading_windows.TradingWindow()
        given = {name: getattr(self, name) for name in _READERS}
        return {
            name: getattr(default, name) if value is None else _READERS[name](value)
            for name, value in given.items()
            if value is not strawberry.UNSET
        }


def _unchanged(value: Any) -> Any:
    return value


def _read_sessions(given: list[TradingSessionInput]) -> tuple[trading_hours.TradingSession, ...]:
    counted(given, field=("sessions",))
    return read_sessions(session.to_domain() for session in given)


def _read_blackouts(given: list[BlackoutInput]) -> tuple[trading_hours.Blackout, ...]:
    counted(given, field=("blackouts",))
    return tuple(blackout.to_domain() for blackout in given)


_READERS: dict[str, Callable[[Any], Any]] = {
    "enabled": _unchanged,
    "applies_to": lambda given: tuple(dict.fromkeys(given)),
    "timezone": _unchanged,
    "sessions": _read_sessions,
    "blackouts": _read_blackouts,
    "max_trades_per_day": _unchanged,
    "max_trades_per_hour": _unchanged,
    "cooldown_seconds": _unchanged,
    "day_starts_at": lambda given: read_time(given, "dayStartsAt"),
}


@strawberry.type
class TradingWindowSuccess:
    trading_window: TradingWindow


TradingWindowResult = Annotated[
    TradingWindowSuccess | Refusal, strawberry.union("TradingWindowResult")
]


async def read_window(info: Info) -> TradingWindow:
    async with info.context.view(info) as view:
        return TradingWindow.of(await info.context.services.trading_window.read(view))


async def configure_window(info: Info, input: TradingWindowInput) -> TradingWindowSuccess:
    context = info.context
    await context.services.trading_window.configure(input.changes())
    return TradingWindowSuccess(trading_window=await read_window(info))


async def watch_window(info: Info) -> AsyncIterator[TradingWindow]:
    return _windows(await info.context.services.trading_window.follow())


async def _windows(
    updates: AsyncGenerator[ShownWindow, None],
) -> AsyncGenerator[TradingWindow, None]:
    async with aclosing(updates):
        async for update in updates:
            yield TradingWindow.of(update.state)
