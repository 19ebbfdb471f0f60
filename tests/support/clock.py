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


@dataclass(order=True, slots=True)
class _Alarm:
    at: datetime
    number: int
    ring: Callable[[], object] = field(compare=False)
    owner: Task[Any] | None = field(compare=False)
    is_off: bool = field(default=False, compare=False)


class ManualClock:
    """A clock that stands still until a test advances it."""

    def __init__(self, start: datetime) -> None:
        self._now = start
        self._alarms: list[_Alarm] = []
        self._numbers = count()
        self._expecting: list[Future[None]] = []

    def now(self) -> datetime:
        return self._now.replace(microsecond=self._now.microsecond // 1000 * 1000)

    async def sleep(self, seconds: float) -> None:
        if seconds <= 0:
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
        target = self._now + timedelta(seconds=seconds)
        await _turn()
        while (alarm := self._next(target)) is not None:
            self._now = max(self._now, alarm.at)
            alarm.ring()
            await self._settle(alarm)
        self._now = target
        await _turn()

    async def until_asleep(self, sleepers: int = 1) -> None:
        """Wait until so many wait for this clock."""
        async with asyncio.timeout(_PATIENCE_SECONDS):
            while self._waiting() < sleepers:
                one_more: Future[None] = asyncio.get_running_loop().create_future()
                self._expecting.append(one_more)
                await one_more

    def _waiting(self) -> int:
        return sum(not alarm.is_off for alarm in self._alarms)

    def _set(self, seconds: float, ring: Callable[[], object]) -> _Alarm:
        alarm = _Alarm(
            at=self._now + timedelta(seconds=seconds),
            number=next(self._numbers),
            ring=ring,
            owner=asyncio.current_task(),
        )
        heapq.heappush(self._alarms, alarm)
        for expecting in self._expecting:
            _finish(expecting)
        self._expecting.clear()
        return alarm

    def _next(self, until: datetime) -> _Alarm | None:
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
