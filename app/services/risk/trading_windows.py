"""The trading window service: reads, changes and follows the window."""

from collections.abc import AsyncGenerator, Mapping
from dataclasses import replace
from typing import Any

from app.bus import Topic
from app.domain.access.audit import AuditSubject
from app.domain.risk.trading_window_changes import check_window
from app.domain.risk.trading_windows import HOUR, WindowState
from app.ports import Clock
from app.services.live import live_queries
from app.services.live.live_queries import LiveQueries, Observation
from app.services.orders.gate import deny
from app.services.reads import View, ViewService
from app.storage.database import Database

# How often it is read again: it opens and closes by time, without an announcement.
LOOK_SECONDS = 1.0


class ShownWindow:
    """The state of the window; two are equal if a reader sees no difference but the time."""

    def __init__(self, state: WindowState) -> None:
        self.state = state
        self._seen = (state.window, state.trades, state.is_open, state.reason, state.day.date)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ShownWindow) and self._seen == other._seen

    def __hash__(self) -> int:
        return hash(self._seen)


class TradingWindowService:
    """The one trading window of this installation."""

    def __init__(
        self, database: Database, views: ViewService, live: LiveQueries, clock: Clock
    ) -> None:
        self._database = database
        self._views = views
        self._live = live
        self._clock = clock

    async def read(self, view: View) -> WindowState:
        window, now = (await view.rules()).window, self._clock.now()
        trades = await view.trades(window.applies_to, window.day(now).began, now - HOUR)
        return WindowState(window=window, trades=trades, at=now)

    async def configure(self, changes: Mapping[str, Any]) -> None:
        """Change these parts of the window; the others stay as they are."""
        async with self._database.transaction() as tx:
            before = (await tx.rules.lock()).window
            after = replace(before, **changes)
            deny(check_window(after))
            if after != before:
                await tx.rules.save_window(after)
                tx.announce(Topic.FEED)
                await tx.attempted(AuditSubject.window())

    async def follow(self) -> AsyncGenerator[ShownWindow, None]:
        """Yield the window now, and again when it opens or closes and with each trade."""
        return await self._live.follow(
            live_queries.LiveQuery(key="trading window", observe=self._observe)
        )

    async def _observe(self, _before: ShownWindow | None) -> Observation[ShownWindow]:
        async with self._views.open(frozenset()) as view:
            state = await self.read(view)
        return Observation(state=ShownWindow(state), good_for_seconds=LOOK_SECONDS)
