"""Time as it is, and what a test may put in the place of the real thing."""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from time import monotonic

from app.exchanges.paper.faults import Faults
from app.ports import Clock
from app.services.doorkeeper import Doorkeeper


class SystemClock:
    """Time as the machine tells it."""

    def now(self) -> datetime:
        now = datetime.now(UTC)
        return now.replace(microsecond=now.microsecond // 1000 * 1000)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    def timeout(self, seconds: float) -> AbstractAsyncContextManager[object]:
        return asyncio.timeout(seconds)


@dataclass(frozen=True, kw_only=True, slots=True)
class Parts:
    """What a test may put in the place of the real thing."""

    clock: Clock = field(default_factory=SystemClock)
    doorkeeper: Doorkeeper = field(default_factory=lambda: Doorkeeper(SystemClock()))
    faults: Mapping[str, Faults] = field(default_factory=dict)
    # Time as the event loop's delay is measured with it.
    seconds: Callable[[], float] = monotonic
