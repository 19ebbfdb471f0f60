"""One queue in front of an account's exchange: who may ask, when, and what goes first."""

import asyncio
import heapq
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import IntEnum
from itertools import count

from app.errors import ExchangeUnavailable
from app.ports import Clock

FIRST_BAN_SECONDS = 5.0
LONGEST_BAN_SECONDS = 300.0

_numbers = count()


class Priority(IntEnum):
    """What goes first."""

    CANCEL = 0
    ORDER = 1
    LOOKUP = 2
    MARKET_DATA = 3


class RateLimitBan(ExchangeUnavailable):
    """The exchange wants to be left alone: nothing is sent until then."""


class QueueTimeout(ExchangeUnavailable):
    """Its turn did not come in time: it was not sent, and it will not be."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Call:
    """What the requests of one call have in common."""

    priority: Priority = Priority.MARKET_DATA
    # When it is too late to be sent; None where it may wait for ever.
    due_at: datetime | None = None


_ANYTHING = _Call()


@dataclass(order=True, slots=True)
class _Ticket:
    """Somebody's place in a lane; its turn comes when the one before hands over."""

    priority: Priority
    number: int = field(default_factory=lambda: next(_numbers))
    turn: asyncio.Event = field(default_factory=asyncio.Event, compare=False)


class _Lane:
    """Those who wait for one pace, the most urgent first; whoever leads watches the clock."""

    def __init__(self, clock: Clock, burst_seconds: float) -> None:
        self._clock = clock
        self._burst_seconds = burst_seconds
        self._free_at = clock.now()
        self._places: list[_Ticket] = []
        self._leader: _Ticket | None = None

    def __len__(self) -> int:
        return len(self._places)

    def charge(self, seconds: float) -> None:
        self._free_at = max(self._free_at, self._clock.now()) + timedelta(seconds=seconds)

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
            pause = (self._free_at - self._clock.now()).total_seconds() - self._burst_seconds
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
    """Admits one request after the other at the exchange's pace, and repeats none.

    Cancels have a pace of their own: they wait for one another and for nothing else, and the
    others make up for what they cost. What costs nothing waits for nothing. After a silence, so
    much may be asked at once as the burst allows: exchanges count by the minute.
    """

    def __init__(self, clock: Clock, *, seconds_per_cost: float, burst_cost: float = 0.0) -> None:
        self._clock = clock
        self._seconds_per_cost = seconds_per_cost
        self._cancels = _Lane(clock, burst_cost * seconds_per_cost)
        self._others = _Lane(clock, burst_cost * seconds_per_cost)
        self._placement = ContextVar("errand", default=_ANYTHING)
        self._banned_until = clock.now()
        self._next_ban_seconds = FIRST_BAN_SECONDS

    def __len__(self) -> int:
        return len(self._cancels) + len(self._others)

    @property
    def banned_seconds(self) -> float:
        """How much longer nothing is sent."""
        return max(0.0, (self._banned_until - self._clock.now()).total_seconds())

    @contextmanager
    def at(self, priority: Priority, *, patience_seconds: float | None = None) -> Iterator[None]:
        """Whatever is asked inside has this priority, and is sent within so long or never."""
        due_at = None
        if patience_seconds is not None:
            due_at = self._clock.now() + timedelta(seconds=patience_seconds)
        token = self._placement.set(_Call(priority=priority, due_at=due_at))
        try:
            yield
        finally:
            self._placement.reset(token)

    async def admit(self, cost: float | None = None) -> None:
        """Wait for a turn; every request of ccxt passes here in the place of its own throttle."""
        self._require_no_ban()
        seconds = (1.0 if cost is None else cost) * self._seconds_per_cost
        if seconds <= 0:
            return
        placement = self._placement.get()
        lane = self._cancels if placement.priority is Priority.CANCEL else self._others
        await self._pass_in_time(lane, placement)
        self._require_no_ban()
        for charged in {lane, self._others}:
            charged.charge(seconds)

    async def _pass_in_time(self, lane: _Lane, placement: _Call) -> None:
        if placement.due_at is None:
            await lane.pass_through(placement.priority)
            return
        left = (placement.due_at - self._clock.now()).total_seconds()
        try:
            async with self._clock.timeout(left):
                await lane.pass_through(placement.priority)
        except TimeoutError:
            raise QueueTimeout("too much waits for the exchange: nothing was sent") from None

    def ban(self, seconds: float | None = None) -> None:
        """Send nothing for so long; where nobody says how long, for longer each time."""
        length = self._next_ban_seconds if seconds is None else seconds
        self._next_ban_seconds = min(self._next_ban_seconds * 2, LONGEST_BAN_SECONDS)
        until = self._clock.now() + timedelta(seconds=length)
        self._banned_until = max(self._banned_until, until)

    def forgive(self) -> None:
        """The exchange has answered: the next ban is a first one again."""
        self._next_ban_seconds = FIRST_BAN_SECONDS

    def _require_no_ban(self) -> None:
        if self.banned_seconds:
            raise RateLimitBan(
                "the exchange asked for a pause: nothing is sent for another"
                f" {self.banned_seconds:.0f} s"
            )
