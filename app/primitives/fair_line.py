"""FairLine: a limited number of places, given in turn to the parties that wait for them.

The party is the token that something is done for; what the product does by itself is one party.
"""

import asyncio
from collections import Counter, OrderedDict, deque
from collections.abc import AsyncIterator, Hashable
from contextlib import asynccontextmanager
from contextvars import ContextVar

_Turn = asyncio.Future[None]

_party: ContextVar[Hashable] = ContextVar("party", default="orderdeck")


def current_party() -> Hashable:
    """The party that this task works for."""
    return _party.get()


def work_for(party: Hashable) -> None:
    """Let this task, and those that it begins, work for this party from now on."""
    _party.set(party)


class LineFull(Exception):
    """So many of the same party wait already that this one would not be served in time."""


class FairLine:
    """Each party has its own queue, and the queues take turns: a crowd delays only itself.

    No party ever has more than `most_each` of the places, so that others find one free.
    """

    def __init__(self, *, places: int, most_each: int) -> None:
        self._free = places
        self._most_each = most_each
        self._taken: Counter[Hashable] = Counter()
        self._queues: OrderedDict[Hashable, deque[_Turn]] = OrderedDict()

    @property
    def waiting(self) -> int:
        return sum(map(len, self._queues.values()))

    @asynccontextmanager
    async def place(self, party: Hashable) -> AsyncIterator[None]:
        """Hold a place while inside."""
        await self.enter(party)
        try:
            yield
        finally:
            self.leave(party)

    async def enter(self, party: Hashable, *, most_waiting: int | None = None) -> None:
        """Wait for a place; raises LineFull instead if so many of the same party wait already."""
        queue = self._queues.setdefault(party, deque())
        if most_waiting is not None and len(queue) >= most_waiting:
            raise LineFull
        turn = asyncio.get_running_loop().create_future()
        queue.append(turn)
        self._give_out()
        try:
            await turn
        except asyncio.CancelledError:
            if turn.cancelled():
                self._forget(party, turn)
            else:
                self.leave(party)
            raise

    def leave(self, party: Hashable) -> None:
        self._free += 1
        self._taken[party] -= 1
        if not self._taken[party]:
            del self._taken[party]
        self._give_out()

    def _give_out(self) -> None:
        """Give out free places; a party that gets one goes to the end of the line."""
        while self._free:
            may_go = (p for p in self._queues if self._taken[p] < self._most_each)
            party = next(may_go, None)
            if party is None:
                return
            turn = self._queues[party].popleft()
            self._queues.move_to_end(party)
            if not self._queues[party]:
                del self._queues[party]
            if turn.done():
                continue
            self._free -= 1
            self._taken[party] += 1
            turn.set_result(None)

    def _forget(self, party: Hashable, turn: _Turn) -> None:
        """A caller that gave up leaves its queue, unless its turn was passed over already."""
        queue = self._queues.get(party)
        if queue is not None and turn in queue:
            queue.remove(turn)
            if not queue:
                del self._queues[party]
