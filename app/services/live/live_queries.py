"""Live queries: evaluated again when something changes, once for all subscribers.

The states of one query, by its key:

    new       not evaluated yet. The first reader evaluates it before it subscribes.
    current   readers wait in `newer`: one holds the lock, the others wait for the lock.
              The bus, a price or the age of the observation makes it outdated.
    outdated  the reader with the lock pauses (at most 5 evaluations a second), evaluates and
              numbers the observation. The others see a newer number than theirs and take it.
    idle      no readers. Kept for the next one until there are MOST_QUERIES, then forgotten.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Hashable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import count
from typing import Any, Generic, TypeVar

from app.bus import Bus, Listener, Topic
from app.domain.markets.markets import Ticker
from app.ports import Clock
from app.services.live.price_triggers import PriceTrigger
from app.services.markets.channels import Channel
from app.services.markets.stream_registry import StreamRegistry

# At most five evaluations a second.
PAUSE_SECONDS = 0.2
# How often prices without a live stream are polled while somebody watches.
POLL_SECONDS = 1.0
# The more polled prices a query has, the slower it polls, to stay within the exchange's rate limit.
PRICES_A_SECOND = 20
# Idle queries are kept up to this number of queries: the next subscriber may want the same.
MOST_QUERIES = 32

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True, slots=True)
class Observation(Generic[T]):
    """A result, the prices that it depends on, and how long it is good if nothing changes."""

    state: T
    prices: Sequence[Channel[Ticker]] = ()
    good_for_seconds: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class LiveQuery(Generic[T]):
    """A query to follow; subscribers with an equal key share each evaluation."""

    key: Hashable
    # Receives the previous value, to fall back on when the exchange does not answer.
    observe: Callable[[T | None], Awaitable[Observation[T]]]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Numbered(Generic[T]):
    """An observation with its number; later ones have higher numbers, across all queries."""

    number: int
    observation: Observation[T]
    # In elapsed time.
    at: float
    # Which evaluation of the query it is.
    round: int


class LiveQueries:
    """The queries that are being followed, one for each key."""

    def __init__(self, bus: Bus, streams: StreamRegistry, clock: Clock) -> None:
        self._bus = bus
        self._streams = streams
        self._clock = clock
        self._numbers = count(1)
        self._live: dict[Hashable, _SharedQuery[Any]] = {}

    def __len__(self) -> int:
        return len(self._live)

    @property
    def readers(self) -> int:
        """How many subscribers there are, over all queries."""
        return sum(shared.readers for shared in self._live.values())

    async def follow(self, query: LiveQuery[T]) -> AsyncGenerator[T, None]:
        """Yield the state now and each new state; a slow reader skips those in between.

        If the first evaluation fails, this raises before the caller has subscribed.
        """
        first = await self._shared(query).newer(0)
        return self._states(query, first)

    async def _states(self, query: LiveQuery[T], first: _Numbered[T]) -> AsyncGenerator[T, None]:
        shared, seen, state = self._shared(query), first, first.observation.state
        with shared.joined():
            yield state
            while True:
                seen = await shared.newer(seen.number)
                if seen.observation.state != state:
                    state = seen.observation.state
                    yield state

    def _shared(self, query: LiveQuery[T]) -> "_SharedQuery[T]":
        shared: _SharedQuery[T] | None = self._live.get(query.key)
        if shared is None:
            self._forget_idle()
            listener = self._bus.listen(Topic.FEED)
            prices = PriceTrigger(self._streams, listener.ring)
            shared = _SharedQuery(query, listener, prices, self._clock, self._numbers)
            self._live[query.key] = shared
        return shared

    def _forget_idle(self) -> None:
        """Make room for a new query; following a forgotten one costs one more evaluation."""
        idle = [key for key, shared in self._live.items() if shared.is_idle]
        for key in idle[: max(0, len(self._live) + 1 - MOST_QUERIES)]:
            self._live.pop(key).close()


class _SharedQuery(Generic[T]):
    """One query and its readers; the one that holds the lock evaluates for all of them."""

    def __init__(
        self, query: LiveQuery[T], listener: Listener, prices: PriceTrigger, clock: Clock,
        numbers: Iterator[int],
    ) -> None:  # fmt: skip
        self._query = query
        self._listener = listener
        self._prices = prices
        self._clock = clock
        self._numbers = numbers
        self._lock = asyncio.Lock()
        self.readers = 0
        self._seen: _Numbered[T] | None = None
        # How many evaluations have begun.
        self._rounds = 0

    @property
    def is_idle(self) -> bool:
        return not self.readers and not self._lock.locked()

    @contextmanager
    def joined(self) -> Iterator[None]:
        """Count a reader; prices are watched as long as there is one."""
        self.readers += 1
        if self._seen is not None:
            self._prices.turn_to(self._seen.observation.prices)
        try:
            yield
        finally:
            self.readers -= 1
            if not self.readers:
                self._prices.turn_to(())

    async def newer(self, number: int) -> _Numbered[T]:
        """Wait for an observation newer than the one with this number."""
        if (known := self._known_since(number)) is not None:
            return known
        rounds = self._rounds
        async with self._lock:
            if (known := self._known_since(number)) is not None:
                return known
            if self._seen is not None and self._seen.round > rounds and self._seen.number > number:
                # It began after this reader came: it shows whatever the reader has changed.
                return self._seen
            if self._seen is not None:
                await self._until_outdated(self._seen)
                await self._pause_after(self._seen)
            return await self._observe()

    def close(self) -> None:
        self._listener.close()

    async def _observe(self) -> _Numbered[T]:
        before = None if self._seen is None else self._seen.observation.state
        began = self._clock.elapsed()
        self._rounds += 1
        this_round = self._rounds
        self._listener.hush()
        try:
            observation = await self._query.observe(before)
        except BaseException:
            # The change was not observed: the next reader must not wait for another one.
            self._listener.ring()
            raise
        self._seen = _Numbered(
            number=next(self._numbers), observation=observation, at=began, round=this_round
        )
        if self.readers:
            self._prices.turn_to(observation.prices)
        return self._seen

    def _known_since(self, number: int) -> _Numbered[T] | None:
        """The last observation, if it is newer and still good.

        A reader without an observation (number 0) may just have changed something: it only takes
        one with nothing announced since.
        """
        seen = self._seen
        if seen is None or seen.number <= number:
            return None
        if number and self._until(seen, PAUSE_SECONDS) > 0:
            return seen
        rest = self._rest_seconds(seen)
        is_good = rest is None or rest > 0
        return seen if is_good and not self._listener.is_rung else None

    async def _until_outdated(self, seen: _Numbered[T]) -> None:
        rest = self._rest_seconds(seen)
        if rest is None:
            await self._listener.until_rung()
        elif rest > 0:
            with suppress(TimeoutError):
                async with self._clock.timeout(rest):
                    await self._listener.until_rung()

    def _rest_seconds(self, seen: _Numbered[T]) -> float | None:
        """How long the observation stays good; None if until something changes."""
        limits = [seen.observation.good_for_seconds]
        if not self.readers:
            limits.append(PAUSE_SECONDS)
        elif self._prices.silent:
            limits.append(max(POLL_SECONDS, self._pause_seconds))
        seconds = min((limit for limit in limits if limit is not None), default=None)
        return None if seconds is None else self._until(seen, seconds)

    async def _pause_after(self, seen: _Numbered[T]) -> None:
        await self._clock.sleep(self._until(seen, self._pause_seconds))

    @property
    def _pause_seconds(self) -> float:
        return max(PAUSE_SECONDS, self._prices.silent / PRICES_A_SECOND)

    def _until(self, seen: _Numbered[T], seconds: float) -> float:
        return seen.at + seconds - self._clock.elapsed()
