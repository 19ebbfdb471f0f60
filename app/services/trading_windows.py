"""The trading window: how it stands, how it is changed, and who wants to know."""

from collections.abc import AsyncGenerator, Mapping
from dataclasses import replace
from typing import Any

from app.bus import Bus, Topic
from app.domain.audit import Subject
from app.domain.trading_window_changes import check_window
from app.domain.trading_windows import HOUR, WindowState
from app.ports import Clock
from app.services.audit import Attempt
from app.services.order_gate import deny
from app.services.views import View, ViewService
from app.services.watching import watched
from app.storage.database import Database


class TradingWindowService:
    """One window for the installation."""

    def __init__(self, database: Database, views: ViewService, bus: Bus, clock: Clock) -> None:
        self._database = database
        self._views = views
        self._bus = bus
        self._clock = clock

    async def read(self, view: View) -> WindowState:
        window, now = (await view.rules()).window, self._clock.now()
        trades = await view.trades(window.applies_to, window.day(now).began, now - HOUR)
        return WindowState(window=window, trades=trades, at=now)

    async def configure(self, changes: Mapping[str, Any], attempt: Attempt | None = None) -> None:
        """What is not named stays as it is."""
        async with self._database.transaction() as tx:
            before = (await tx.rules.lock()).window
            after = replace(before, **changes)
            deny(check_window(after))
            if after != before:
                await tx.rules.save_window(after)
                tx.announce(Topic.FEED)
                if attempt is not None:
                    await attempt.done(tx, Subject.window())

    def watch(self) -> AsyncGenerator[WindowState, None]:
        """As it stands now, and anew when it opens or closes and with each trade."""

        async def read() -> WindowState:
            async with self._views.open(frozenset()) as view:
                return await self.read(view)

        return watched(read, self._bus, self._clock, key=_seen)


def _seen(state: WindowState) -> object:
    """What a watcher sees of it, but for the moment."""
    return state.window, state.trades, state.is_open, state.reason, state.day.date
