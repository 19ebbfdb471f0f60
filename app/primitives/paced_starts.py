"""PacedStarts: begins new work only as fast as the event loop stays quick."""

import asyncio
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Hashable

# How long one iteration of the loop may take before no more work is begun.
QUICK_SECONDS = 0.02
# Even on a loop that stays slow, something is begun this often.
AT_LEAST_EVERY_SECONDS = 0.1
# How much may be begun in one iteration of a quick loop.
AT_ONCE = 4

_Turn = asyncio.Future[None]


class PacedStarts:
    """Work that a crowd asks for at once is begun bit by bit, a piece for each party in turn.

    What has begun is worked on in every iteration of the loop. Too much of it makes each iteration
    long, and a small query needs ten of them. Work that waits for an exchange costs the loop
    nothing and keeps no other from beginning.
    """

    def __init__(self, measure: Callable[[], float] = time.perf_counter) -> None:
        self._measure = measure
        self._queues: OrderedDict[Hashable, deque[_Turn]] = OrderedDict()
        self._begun = 0
        self._is_counting = False
        self._iteration_began = 0.0
        self._last_start = 0.0

    @property
    def waiting(self) -> int:
        return sum(map(len, self._queues.values()))

    async def turn(self, party: Hashable) -> None:
        """Return when the party's next piece of work may begin."""
        if not self._is_counting:
            self._count_iteration()
        if not self._queues and self._begun < AT_ONCE:
            self._begun += 1
            self._last_start = self._measure()
            return
        turn = asyncio.get_running_loop().create_future()
        self._queues.setdefault(party, deque()).append(turn)
        await turn

    def _count_iteration(self) -> None:
        """Be called again after everything that is ready now has run."""
        self._is_counting = True
        self._iteration_began = self._measure()
        asyncio.get_running_loop().call_soon(self._next_iteration)

    def _next_iteration(self) -> None:
        now = self._measure()
        is_quick = now - self._iteration_began <= QUICK_SECONDS
        is_due = now - self._last_start >= AT_LEAST_EVERY_SECONDS
        self._begun = 0
        while self._queues and self._begun < (AT_ONCE if is_quick else int(is_due)):
            self._begin_next(now)
        if self._queues or self._begun:
            self._count_iteration()
        else:
            self._is_counting = False

    def _begin_next(self, now: float) -> None:
        party, queue = next(iter(self._queues.items()))
        turn = queue.popleft()
        self._queues.move_to_end(party)
        if not queue:
            del self._queues[party]
        if not turn.done():
            turn.set_result(None)
            self._begun += 1
            self._last_start = now
