"""SystemClock: the real time."""

import asyncio
import time
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime

# macOS has no CLOCK_BOOTTIME; its monotonic clock stands still while the machine sleeps.
_GROWING = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        now = datetime.now(UTC)
        return now.replace(microsecond=now.microsecond // 1000 * 1000)

    def elapsed(self) -> float:
        return time.clock_gettime(_GROWING)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    def timeout(self, seconds: float) -> AbstractAsyncContextManager[object]:
        return asyncio.timeout(seconds)
