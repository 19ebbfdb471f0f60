"""What stands in for the world in tests: time that moves only by hand."""

import asyncio
import heapq
from asyncio import Future, Task
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from itertools import count
from typing import Any

from tests.support.loops import RestingLoop

_TURNS = 20
_PATIENCE_SECONDS = 30
_SETTLE_SECONDS = 1.0
_FIRST_ELAPSED = 4096.0
# On a real clock a sleeper wakes a moment after its time. A sum of floats that is a hair above the
# exact one would otherwise never be reached. A power of two keeps whole seconds exact.
_LATE_SECONDS = 2.0**-30


@dataclass(order=True, slots=True)
class _Alarm:
    at: timedelta
    number: int
    ring: Callable[[], object] = field(compare=False)
    owner: Task[Any] | None = field(compare=False)
    is_off: bool = field(default=False, compare=False)


class ManualClock:
    """A clock that stands still until a test advances it; its wall clock can be stepped alone."""

    def __init__(self, start: datetime) -> None:
        self._start = start
        self._passed = timedelta(0)
        self._wakings = 0
        self._alarms: list[_Alarm] = []
        self._numbers = count()
        self._expecting: list[Future[None]] = []

    def now(self) -> datetime:
        now = self._start + self._passed
        return now.replace(microsecond=now.microsecond // 1000 * 1000)

    def elapsed(self) -> float:
        late = self._wakings * _LATE_SECONDS
        return _FIRST_ELAPSED + self._passed.total_seconds() + late

    def step(self, *, wall: float) -> None:
        """Set the wall clock forward or back by seconds; no time passes and nobody wakes."""
        self._start += timedelta(seconds=wall)

    async def sleep(self, seconds: float) -> None:
        if timedelta(seconds=seconds) <= timedelta(0):
            self._reach(self._passed)
            await asyncio.sleep(0)
            return
        woken: Future[None] = asyncio.get_running_loop().create_future()
        alarm = self._set(seconds, partial(_finish, woken))
        try:
            await woken
        finally:
            alarm.is_off = True

    def timeout(self, seconds: float) -> AbstractAsyncContextManager[object]:
        return self._timeout(seconds)

    async def advance(self, seconds: float) -> None:
        """Move on, waking sleepers in the order of time, each after the one before has settled."""
        target = self._passed + timedelta(seconds=seconds)
        await _turn()
        while (alarm := self._next(target)) is not None:
            self._reach(alarm.at)
            alarm.ring()
            await self._settle(alarm)
        self._reach(target)
        await _turn()

    async def until_asleep(self, sleepers: int = 1) -> None:
        """Wait until so many wait for this clock."""
        async with asyncio.timeout(_PATIENCE_SECONDS):
            while self._waiting() < sleepers:
                one_more: Future[None] = asyncio.get_running_loop().create_future()
                self._expecting.append(one_more)
                await one_more

    def _reach(self, passed: timedelta) -> None:
        self._passed = max(self._passed, passed)
        self._wakings += 1

    def _waiting(self) -> int:
        return sum(not alarm.is_off for alarm in self._alarms)

    def _set(self, seconds: float, ring: Callable[[], object]) -> _Alarm:
        alarm = _Alarm(
            at=self._passed + timedelta(seconds=seconds),
            number=next(self._numbers),
            ring=ring,
            owner=asyncio.current_task(),
        )
        heapq.heappush(self._alarms, alarm)
        for expecting in self._expecting:
            _finish(expecting)
        self._expecting.clear()
        return alarm

    def _next(self, until: timedelta) -> _Alarm | None:
        while self._alarms and self._alarms[0].at <= until:
            alarm = heapq.heappop(self._alarms)
            if not alarm.is_off:
                return alarm
        return None

    async def _settle(self, alarm: _Alarm) -> None:
        # The one that was woken may wait for a database, which takes real time: it has settled when
        # it sleeps again or is done, or when all is at rest. No other is waited for for long.
        alarm.is_off = True
        loop = asyncio.get_running_loop()
        assert isinstance(loop, RestingLoop), "a clock that stands still needs such a loop"
        with suppress(TimeoutError):
            async with asyncio.timeout(_SETTLE_SECONDS):
                await loop.pause()
                while self._is_awake(alarm.owner) and not loop.is_at_rest:
                    await loop.next_pause()

    def _is_awake(self, task: Task[Any] | None) -> bool:
        if task is None or task is asyncio.current_task() or task.done():
            return False
        return not any(alarm.owner is task and not alarm.is_off for alarm in self._alarms)

    @asynccontextmanager
    async def _timeout(self, seconds: float) -> AsyncIterator[object]:
        async with asyncio.timeout(None) as scope:
            loop = asyncio.get_running_loop()
            alarm = self._set(seconds, lambda: scope.reschedule(loop.time()))
            try:
                yield scope
            finally:
                alarm.is_off = True


class HastyClock(ManualClock):
    """A clock for what would only hold a test up: nobody sleeps."""

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(0)


def _finish(woken: Future[None]) -> None:
    if not woken.done():
        woken.set_result(None)


async def _turn() -> None:
    for _ in range(_TURNS):
        await asyncio.sleep(0)
