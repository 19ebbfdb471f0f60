"""RequestQueue: the order and pace in which one account's requests are sent to its exchange."""

import asyncio
import heapq
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from enum import IntEnum
from itertools import count

from app.errors import ExchangeUnavailable
from app.ports import Clock

FIRST_BAN_SECONDS = 5.0
LONGEST_BAN_SECONDS = 300.0

_numbers = count()


class Priority(IntEnum):
    """The urgency of a request; the lowest value is sent first."""

    CANCEL = 0
    ORDER = 1
    LOOKUP = 2
    MARKET_DATA = 3


class RateLimitBan(ExchangeUnavailable):
    """The exchange asked for a pause; the request was not sent."""


class QueueTimeout(ExchangeUnavailable):
    """The request's turn did not come in time: it was not sent and never will be."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Call:
    """The priority and deadline that the requests of one ccxt call share."""

    priority: Priority = Priority.MARKET_DATA
    # When it is too late to send, in elapsed time; None if it may wait forever.
    due_at: float | None = None


_DEFAULT_CALL = _Call()


@dataclass(order=True, slots=True)
class _Ticket:
    """A request's place in a lane; `turn` is set when the request before it hands over the lead."""

    priority: Priority
    number: int = field(default_factory=lambda: next(_numbers))
    turn: asyncio.Event = field(default_factory=asyncio.Event, compare=False)


class _Lane:
    """Requests that share one pace, most urgent first; only the leader waits on the clock."""

    def __init__(self, clock: Clock, burst_seconds: float) -> None:
        self._clock = clock
        self._burst_seconds = burst_seconds
        self._free_at = clock.elapsed()
        self._places: list[_Ticket] = []
        self._leader: _Ticket | None = None

    def __len__(self) -> int:
        return len(self._places)

    def charge(self, seconds: float) -> None:
        self._free_at = max(self._free_at, self._clock.elapsed()) + seconds

    async def pass_through(self, priority: Priority) -> None:
        place = _Ticket(priority)
        heapq.heappush(self._places, place)
        try:
            if self._leader is None:
                self._lead(place)
            await self._come_first(place)
        finally:
            self._leave(place)

    async def _come_first(self, place: _Ticket) -> None:
        while True:
            await place.turn.wait()
            pause = self._free_at - self._clock.elapsed() - self._burst_seconds
            if pause > 0:
                await self._clock.sleep(pause)
            elif self._places[0] is place:
                return
            else:
                place.turn.clear()
                self._lead(self._places[0])

    def _lead(self, place: _Ticket) -> None:
        self._leader = place
        place.turn.set()

    def _leave(self, place: _Ticket) -> None:
        self._places.remove(place)
        heapq.heapify(self._places)
        if self._leader is place:
            self._leader = None
            if self._places:
                self._lead(self._places[0])


class RequestQueue:
    """Admits one request after another at the exchange's pace, and repeats none.

    Cancels have a pace of their own: they wait only for other cancels, and the other requests
    wait for the cost of both. A request without cost does not wait. After a pause a burst may be
    sent at once, up to burst_cost, because exchanges count by the minute.
    """

    def __init__(self, clock: Clock, *, seconds_per_cost: float, burst_cost: float = 0.0) -> None:
        self._clock = clock
        self._seconds_per_cost = seconds_per_cost
        self._cancels = _Lane(clock, burst_cost * seconds_per_cost)
        self._others = _Lane(clock, burst_cost * seconds_per_cost)
        self._call = ContextVar("call", default=_DEFAULT_CALL)
        self._banned_until = clock.elapsed()
        self._next_ban_seconds = FIRST_BAN_SECONDS

    def __len__(self) -> int:
        return len(self._cancels) + len(self._others)

    @property
    def banned_seconds(self) -> float:
        """Seconds for which nothing is sent yet."""
        return max(0.0, self._banned_until - self._clock.elapsed())

    @contextmanager
    def at(self, priority: Priority, *, patience_seconds: float | None = None) -> Iterator[None]:
        """Requests made inside have this priority, and are sent in patience_seconds or never."""
        due_at = None
        if patience_seconds is not None:
            due_at = self._clock.elapsed() + patience_seconds
        token = self._call.set(_Call(priority=priority, due_at=due_at))
        try:
            yield
        finally:
            self._call.reset(token)

    async def admit(self, cost: float | None = None) -> None:
        """Wait for a turn; replaces ccxt's own throttle, so every request passes through here."""
        self._require_no_ban()
        seconds = (1.0 if cost is None else cost) * self._seconds_per_cost
        if seconds <= 0:
            return
        call = self._call.get()
        lane = self._cancels if call.priority is Priority.CANCEL else self._others
        await self._pass_in_time(lane, call)
        self._require_no_ban()
        for charged in {lane, self._others}:
            charged.charge(seconds)

    async def _pass_in_time(self, lane: _Lane, call: _Call) -> None:
        if call.due_at is None:
            await lane.pass_through(call.priority)
            return
        left = call.due_at - self._clock.elapsed()
        try:
            async with self._clock.timeout(left):
                await lane.pass_through(call.priority)
        except TimeoutError:
            raise QueueTimeout("too much waits for the exchange: nothing was sent") from None

    def ban(self, seconds: float | None = None) -> None:
        """Send nothing for this long; without a given time, twice as long as the last time."""
        length = self._next_ban_seconds if seconds is None else seconds
        self._next_ban_seconds = min(self._next_ban_seconds * 2, LONGEST_BAN_SECONDS)
        self._banned_until = max(self._banned_until, self._clock.elapsed() + length)

    def forgive(self) -> None:
        """The exchange answered: start over with the shortest ban next time."""
        self._next_ban_seconds = FIRST_BAN_SECONDS

    def _require_no_ban(self) -> None:
        if self.banned_seconds:
            raise RateLimitBan(
                "the exchange asked for a pause: nothing is sent for another"
                f" {self.banned_seconds:.0f} s"
            )
