"""What many watch: looked at once for all of them whenever something rings, and told to each."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Hashable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count
from typing import Any, Generic, TypeVar

from app.bus import Bus, Listener, Topic
from app.domain.markets.markets import Ticker
from app.ports import Clock
from app.services.live.price_triggers import PriceTrigger
from app.services.markets.channels import Channel
from app.services.markets.stream_registry import StreamRegistry

# At most five a second.
PAUSE_SECONDS = 0.2
# Prices that no stream tells are asked for so often while somebody watches.
POLL_SECONDS = 1.0
# Who holds very many of those sees them less often: an exchange answers only so many questions.
PRICES_A_SECOND = 20
# Those that nobody watches any more are kept a while: the next one may want the same.
MOST_WATCHES = 32

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True, slots=True)
class Observation(Generic[T]):
    """What was seen, the prices that it depends on, and how long it is good if nothing rings."""

    state: T
    prices: Sequence[Channel[Ticker]] = ()
    good_for_seconds: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class LiveQuery(Generic[T]):
    """What can be watched. Whoever means the same shares each look."""

    key: Hashable
    # Is told what was seen before, for what cannot be seen just now.
    look: Callable[[T | None], Awaitable[Observation[T]]]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Numbered(Generic[T]):
    """Later ones have higher numbers, in all watches."""

    number: int
    observation: Observation[T]
    at: datetime


class LiveQueries:
    """Begins to watch with the first who asks, and does it once for all who mean the same."""

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
        """How many watch anything."""
        return sum(watch.readers for watch in self._live.values())

    async def follow(self, query: LiveQuery[T]) -> AsyncGenerator[T, None]:
        """First what is, then what has become of it; what a slow reader did not take is skipped.

        Where there is nothing to be seen at first, it is told before anything is watched.
        """
        first = await self._watch(query).newer(0)
        return self._told(query, first)

    async def _told(self, query: LiveQuery[T], first: _Numbered[T]) -> AsyncGenerator[T, None]:
        watch, seen, told = self._watch(query), first, first.observation.state
        with watch.joined():
            yield told
            while True:
                seen = await watch.newer(seen.number)
                if seen.observation.state != told:
                    told = seen.observation.state
                    yield told

    def _watch(self, query: LiveQuery[T]) -> "_SharedQuery[T]":
        watch: _SharedQuery[T] | None = self._live.get(query.key)
        if watch is None:
            self._forget_idle()
            trigger = self._bus.listen(Topic.FEED)
            prices = PriceTrigger(self._streams, trigger.ring)
            watch = _SharedQuery(query, trigger, prices, self._clock, self._numbers)
            self._live[query.key] = watch
        return watch

    def _forget_idle(self) -> None:
        """One that is forgotten costs another look, and no more."""
        idle = [key for key, watch in self._live.items() if watch.is_idle]
        for key in idle[: max(0, len(self._live) + 1 - MOST_WATCHES)]:
            self._live.pop(key).close()


class _SharedQuery(Generic[T]):
    """Of those who wait for something newer, one waits for a ring and looks for all of them."""

    def __init__(
        self, query: LiveQuery[T], trigger: Listener, prices: PriceTrigger, clock: Clock,
        numbers: Iterator[int],
    ) -> None:  # fmt: skip
        self._query = query
        self._trigger = trigger
        self._prices = prices
        self._clock = clock
        self._numbers = numbers
        self._turn = asyncio.Lock()
        self.readers = 0
        self._seen: _Numbered[T] | None = None

    @property
    def is_idle(self) -> bool:
        return not self.readers and not self._turn.locked()

    @contextmanager
    def joined(self) -> Iterator[None]:
        """Prices ring as long as anybody reads."""
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
        """What is now, once it is newer than the one of this number."""
        if (known := self._known_since(number)) is not None:
            return known
        async with self._turn:
            if (known := self._known_since(number)) is not None:
                return known
            if self._seen is not None:
                await self._until_outdated(self._seen)
                await self._pause_after(self._seen)
            return await self._look()

    def close(self) -> None:
        self._trigger.close()

    async def _look(self) -> _Numbered[T]:
        before = None if self._seen is None else self._seen.observation.state
        began = self._clock.now()
        self._trigger.hush()
        try:
            observation = await self._query.look(before)
        except BaseException:
            # Whoever looks next must not wait for another ring.
            self._trigger.ring()
            raise
        self._seen = _Numbered(number=next(self._numbers), observation=observation, at=began)
        if self.readers:
            self._prices.turn_to(observation.prices)
        return self._seen

    def _known_since(self, number: int) -> _Numbered[T] | None:
        """What was seen last, if that is newer and as good as another look.

        Who knows nothing yet may have done something just now: that must be in it.
        """
        seen = self._seen
        if seen is None or seen.number <= number:
            return None
        if number and self._until(seen, PAUSE_SECONDS) > 0:
            return seen
        rest = self._rest_seconds(seen)
        is_good = rest is None or rest > 0
        return seen if is_good and not self._trigger.is_rung else None

    async def _until_outdated(self, seen: _Numbered[T]) -> None:
        rest = self._rest_seconds(seen)
        if rest is None:
            await self._trigger.until_rung()
        elif rest > 0:
            with suppress(TimeoutError):
                async with self._clock.timeout(rest):
                    await self._trigger.until_rung()

    def _rest_seconds(self, seen: _Numbered[T]) -> float | None:
        """How long it is good still; None for as long as nothing rings."""
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
        return (seen.at + timedelta(seconds=seconds) - self._clock.now()).total_seconds()
