"""Event loop lag: measures how late the loop wakes, because a blocked loop delays everybody."""

import asyncio
from collections.abc import Callable
from time import monotonic

from app.services.metrics import Metrics

PAUSE_SECONDS = 0.25
BLOCKED_SECONDS = 1.0
# How long a delay is reported after it happened.
MEMORY_SECONDS = 10.0


class EventLoopLag:
    """Sleeps for short pauses and measures how late it wakes."""

    def __init__(self, metrics: Metrics, seconds: Callable[[], float] = monotonic) -> None:
        self._metrics = metrics
        self._seconds = seconds
        self._blocked_at: float | None = None
        self._longest = 0.0

    async def run(self) -> None:
        while True:
            due = self._seconds() + PAUSE_SECONDS
            await asyncio.sleep(PAUSE_SECONDS)
            self.note(self._seconds() - due)

    def note(self, delay: float) -> None:
        self._metrics.delayed(max(delay, 0.0))
        if delay >= BLOCKED_SECONDS:
            self._blocked_at = self._seconds()
            self._longest = delay

    def blocked_seconds(self) -> float | None:
        """How long the loop was blocked last, if that was within the last seconds."""
        if self._blocked_at is None:
            return None
        age = self._seconds() - self._blocked_at
        return self._longest if age < MEMORY_SECONDS else None
