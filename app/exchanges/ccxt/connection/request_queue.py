"""RequestQueue: the order and pace in which one account's requests are sent to its exchange."""

import asyncio
import heapq
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from itertools import count
from math import inf, isinf
from typing import Protocol

from app.domain.traffic import RequestTotal, Traffic
from app.errors import ExchangeUnavailable
from app.exchanges.ccxt.connection.decaying_counters import DecayingCounter
from app.exchanges.ccxt.connection.minute_budgets import MinuteBudget
from app.ports import Clock
from app.primitives.priorities import Priority

FIRST_BAN_SECONDS = 5.0
LONGEST_BAN_SECONDS = 300.0
# How long a request waits before it looks again whether a more urgent one has come.
_LOOK_SECONDS = 0.5
_MINUTE_SECONDS = 60.0

_numbers = count()


class RateLimitBan(ExchangeUnavailable):
    """The exchange asked for a pause; the request was not sent."""


class QueueTimeout(ExchangeUnavailable):
    """The request's turn did not come in time: it was not sent and never will be."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Call:
    """The priority and deadline that the requests of one ccxt call share."""

    priority: Priority = Priority.MARKET_DATA
    kind: str = "connection"
    # When it is too late to send, in elapsed time; None if it may wait forever.
    due_at: float | None = None


_DEFAULT_CALL = _Call()


@dataclass(slots=True)
class _Total:
    count: int = 0
    waited_seconds: float = 0.0
    cost: float = 0.0


@dataclass(order=True, slots=True)
class _Ticket:
    """A request's place in a lane; `turn` is set when the request before it hands over the lead."""

    priority: Priority
    cost: float = field(compare=False)
    burst_seconds: float = field(compare=False)
    number: int = field(default_factory=lambda: next(_numbers))
    turn: asyncio.Event = field(default_factory=asyncio.Event, compare=False)


class Budget(Protocol):
    """What may be spent, in ccxt's cost units."""

    cost: float

    @property
    def spent(self) -> float: ...

    def spend(self, cost: float) -> None: ...

    def note_used(self, cost: float) -> None: ...

    def seconds_until(self, cost: float, priority: Priority) -> float: ...


class _Lane:
    """Requests that share one pace, most urgent first; only the leader waits on the clock."""

    def __init__(self, clock: Clock, budget: Budget) -> None:
        self.budget = budget
        self._clock = clock
        self._free_at = clock.elapsed()
        self._places: list[_Ticket] = []
        self._leader: _Ticket | None = None

    def __len__(self) -> int:
        return len(self._places)

    def charge(self, seconds: float) -> None:
        self._free_at = max(self._free_at, self._clock.elapsed()) + seconds

    async def pass_through(self, priority: Priority, cost: float, burst_seconds: float) -> None:
        place = _Ticket(priority, cost, burst_seconds)
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
            if self._places[0] is not place:
                place.turn.clear()
                self._lead(self._places[0])
            elif (pause := self._pause_seconds(place)) > 0:
                await self._clock.sleep(min(pause, _LOOK_SECONDS))
            else:
                return

    def _pause_seconds(self, place: _Ticket) -> float:
        paced = self._free_at - self._clock.elapsed() - place.burst_seconds
        return max(paced, self.budget.seconds_until(place.cost, place.priority))

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


# Of cancels, of orders, and of everything else.
_Lanes = tuple[_Lane, _Lane, _Lane]


def _lanes(clock: Clock, budget: Budget) -> _Lanes:
    return _Lane(clock, budget), _Lane(clock, budget), _Lane(clock, budget)


@dataclass(frozen=True, kw_only=True, slots=True)
class Pace:
    """How fast an exchange may be asked, in ccxt's cost units."""

    seconds_per_cost: float
    # What may be sent at once after a pause, because exchanges count by the minute: of background
    # work, and of what somebody waits for: orders, cancels and lookups.
    burst_cost: float = 0.0
    urgent_burst_cost: float = 0.0
    # Of orders and cancels, where the exchange counts these by the second.
    order_burst_cost: float | None = None
    # The exchange's own weight of one unit.
    weight_per_cost: float = 1.0
    # The most that the exchange's counter of a key holds, if it decays at this pace instead of
    # being counted by the minute. Public requests are counted apart from it.
    counter_cost: float | None = None

    @property
    def minute_cost(self) -> float:
        return _MINUTE_SECONDS / self.seconds_per_cost if self.seconds_per_cost > 0 else inf

    def burst_seconds(self, priority: Priority) -> float:
        is_waited_for = priority <= Priority.LOOKUP
        cost = self.urgent_burst_cost if is_waited_for else self.burst_cost
        if self.order_burst_cost is not None and priority <= Priority.ORDER:
            cost = self.order_burst_cost
        return cost * self.seconds_per_cost


def _counter_of(clock: Clock, pace: Pace) -> DecayingCounter | None:
    if pace.counter_cost is None or pace.seconds_per_cost <= 0:
        return None
    per_second = 1 / pace.seconds_per_cost
    return DecayingCounter(clock, cost=pace.counter_cost, cost_per_second=per_second)


class RequestQueue:
    """Admits one request after another at the exchange's pace, and repeats none.

    Cancels wait only for other cancels, orders only for orders and cancels, and the other requests
    for the cost of all. A request without cost does not wait. Within a minute, no more is spent
    than the exchange allows, and background work leaves a reserve for orders and cancels.
    """

    def __init__(self, clock: Clock, pace: Pace) -> None:
        self._clock = clock
        self._pace = pace
        by_minute = MinuteBudget(clock, cost=pace.minute_cost)
        self.budget: Budget = _counter_of(clock, pace) or by_minute
        self._cancels, self._orders, self._others = _lanes(clock, self.budget)
        # Where keys have a counter of their own, public requests wait in lanes of their own.
        self._public = None if self.budget is by_minute else _lanes(clock, by_minute)
        self._is_counted_by_key = ContextVar("is_counted_by_key", default=False)
        self._call = ContextVar("call", default=_DEFAULT_CALL)
        self._totals: dict[tuple[str, Priority], _Total] = {}
        self._banned_until = clock.elapsed()
        self._next_ban_seconds = FIRST_BAN_SECONDS

    def __len__(self) -> int:
        lanes = (self._cancels, self._orders, self._others, *(self._public or ()))
        return sum(map(len, lanes))

    @property
    def priority(self) -> Priority:
        """How urgent the requests made here are."""
        return self._call.get().priority

    @property
    def due_at(self) -> float | None:
        """When it is too late to send those made here, in elapsed time."""
        return self._call.get().due_at

    @property
    def banned_seconds(self) -> float:
        """Seconds for which nothing is sent yet."""
        return max(0.0, self._banned_until - self._clock.elapsed())

    @property
    def traffic(self) -> Traffic:
        weight_per_cost = self._pace.weight_per_cost
        left = (self.budget.cost - self.budget.spent) * weight_per_cost
        return Traffic(
            totals=[
                RequestTotal(
                    kind=kind,
                    priority=priority.name,
                    count=total.count,
                    waited_seconds=total.waited_seconds,
                    weight=total.cost * weight_per_cost,
                )
                for (kind, priority), total in self._totals.items()
            ],
            weight_left=None if isinf(left) else max(left, 0.0),
        )

    @contextmanager
    def at(
        self, priority: Priority, *, kind: str = "connection", patience_seconds: float | None = None
    ) -> Iterator[None]:
        """Requests made inside have this priority, and are sent in patience_seconds or never."""
        due_at = None
        if patience_seconds is not None:
            due_at = self._clock.elapsed() + patience_seconds
        token = self._call.set(_Call(priority=priority, kind=kind, due_at=due_at))
        try:
            yield
        finally:
            self._call.reset(token)

    @contextmanager
    def counted_by_key(self) -> Iterator[None]:
        """Requests made inside are private; others are public where that makes a difference."""
        token = self._is_counted_by_key.set(True)
        try:
            yield
        finally:
            self._is_counted_by_key.reset(token)

    async def admit(self, cost: float | None = None) -> None:
        """Wait for a turn; replaces ccxt's own throttle, so every request passes through here."""
        self._require_no_ban()
        cost = 1.0 if cost is None else cost
        seconds = cost * self._pace.seconds_per_cost
        call = self._call.get()
        if seconds <= 0:
            self._count(call, cost, 0.0)
            return
        came_at = self._clock.elapsed()
        # Each lane is charged for what is more urgent, and not for what is less.
        lanes = self._lanes_here()
        first = min(call.priority, Priority.LOOKUP)
        await self._pass_in_time(lanes[first], call, cost)
        self._require_no_ban()
        lanes[first].budget.spend(cost)
        for lane in lanes[first:]:
            lane.charge(seconds)
        self._count(call, cost, self._clock.elapsed() - came_at)

    def _lanes_here(self) -> _Lanes:
        if self._public is not None and not self._is_counted_by_key.get():
            return self._public
        return self._cancels, self._orders, self._others

    def _count(self, call: _Call, cost: float, waited_seconds: float) -> None:
        total = self._totals.setdefault((call.kind, call.priority), _Total())
        total.count += 1
        total.waited_seconds += waited_seconds
        total.cost += cost

    async def _pass_in_time(self, lane: _Lane, call: _Call, cost: float) -> None:
        burst_seconds = self._pace.burst_seconds(call.priority)
        if call.due_at is None:
            await lane.pass_through(call.priority, cost, burst_seconds)
            return
        left = call.due_at - self._clock.elapsed()
        try:
            async with self._clock.timeout(left):
                await lane.pass_through(call.priority, cost, burst_seconds)
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
