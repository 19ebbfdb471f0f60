"""Sends private requests one after another where each bears a number that must grow."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from app.exchanges.ccxt.connection.request_queue import QueueTimeout, RequestQueue
from app.ports import Clock
from app.primitives.priorities import Priority

# For how long a request keeps the others waiting for its answer. One that is not answered by then
# has arrived long ago, so that no later number overtakes it; should it not have, it is refused for
# its number and has done nothing. So a slow answer costs a cancel this long, and not its patience.
LONGEST_TURN_SECONDS = 1.0
_PRIVATE = "private"

_numbers = count()


@dataclass(order=True, slots=True)
class _Place:
    """A request's place in the line: the most urgent first, then the first that came."""

    priority: Priority
    number: int = field(default_factory=lambda: next(_numbers))


class Turns:
    """The line of requests of which one may be on its way."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._waiting: list[_Place] = []
        self._holder: _Place | None = None
        self._held_until = 0.0
        # Set, and replaced, whenever somebody may have come first.
        self._moved = asyncio.Event()

    async def take(self, place: _Place, *, due_at: float | None) -> None:
        """Wait for the turn; raises QueueTimeout if it does not come in time."""
        self._waiting.append(place)
        try:
            while (pause := self._pause_seconds(place)) > 0:
                if due_at is not None and self._clock.elapsed() >= due_at:
                    raise QueueTimeout("a request before it is not answered: nothing was sent")
                await self._until_moved(pause, due_at)
            self._holder = place
            self._held_until = self._clock.elapsed() + LONGEST_TURN_SECONDS
        finally:
            self._waiting.remove(place)
            self._move()

    def give_back(self, place: _Place) -> None:
        if self._holder is place:
            self._holder = None
            self._move()

    def _pause_seconds(self, place: _Place) -> float:
        """How long to wait at most; 0 if it is this one's turn."""
        if min(self._waiting) is not place:
            return LONGEST_TURN_SECONDS
        return 0.0 if self._holder is None else self._held_until - self._clock.elapsed()

    async def _until_moved(self, pause: float, due_at: float | None) -> None:
        left = pause if due_at is None else min(pause, due_at - self._clock.elapsed())
        moved = self._moved
        try:
            async with self._clock.timeout(left):
                await moved.wait()
        except TimeoutError:
            return

    def _move(self) -> None:
        self._moved.set()
        self._moved = asyncio.Event()


def send_in_turn(client: Any, queue: RequestQueue, clock: Clock) -> None:
    """Let one private request of this ccxt client be on its way; public ones are not held up.

    A turn is taken after the request was admitted at the exchange's pace and before ccxt numbers
    it, so that no request that waits for its pace holds up a more urgent one.
    """
    turns = Turns(clock)
    send, admit = client.fetch2, client.throttle
    own_place: ContextVar[_Place | None] = ContextVar("own_place", default=None)

    @contextmanager
    def placed() -> Iterator[None]:
        place = _Place(queue.priority)
        token = own_place.set(place)
        try:
            yield
        finally:
            own_place.reset(token)
            turns.give_back(place)

    async def fetch2(path: str, api: Any = "public", *others: Any, **named: Any) -> Any:
        if _PRIVATE not in api:
            return await send(path, api, *others, **named)
        with placed(), queue.counted_by_key():
            return await send(path, api, *others, **named)

    async def throttle(cost: float | None = None) -> None:
        await admit(cost)
        place = own_place.get()
        if place is not None:
            await turns.take(place, due_at=queue.due_at)

    client.fetch2, client.throttle = fetch2, throttle
