"""Long work in turns, so that whoever asks little never waits for whoever asks much."""

import asyncio
import time
from collections import deque
from collections.abc import Callable

# Of what is expensive, so that the database is left to others too.
AT_ONCE = 2
# A process that was asleep in the middle of a turn does not rest as long again.
MAX_REST_SECONDS = 0.1


class LongWork:
    """One turn at a time, whoever's it is, and after each as long a rest for everybody else."""

    def __init__(self, measure: Callable[[], float] = time.perf_counter) -> None:
        self._measure = measure
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._is_going = False
        self._begun = 0.0
        self.room = asyncio.Semaphore(AT_ONCE)

    async def turn(self) -> None:
        """Wait for a turn, first come, first served; it lasts until the caller next waits."""
        loop = asyncio.get_running_loop()
        mine: asyncio.Future[None] = loop.create_future()
        self._waiting.append(mine)
        if not self._is_going:
            self._is_going = True
            loop.call_soon(self._next)
        await mine
        self._begun = self._measure()

    def _next(self) -> None:
        while self._waiting and self._waiting[0].done():
            self._waiting.popleft()
        if not self._waiting:
            self._is_going = False
            return
        self._begun = self._measure()
        self._waiting.popleft().set_result(None)
        # Comes right behind whoever was just woken.
        asyncio.get_running_loop().call_soon(self._rest)

    def _rest(self) -> None:
        seconds = min(self._measure() - self._begun, MAX_REST_SECONDS)
        asyncio.get_running_loop().call_later(seconds, self._next)
