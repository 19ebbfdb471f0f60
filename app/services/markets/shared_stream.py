"""One stream of an exchange, for all who watch it."""

import asyncio
from collections.abc import Callable, Hashable, Sequence
from contextlib import aclosing
from datetime import timedelta
from typing import Generic, Protocol, TypeVar

import structlog

from app.domain.accounts import Connectivity
from app.ports import Clock, MarketSource
from app.primitives.backoff import Backoff
from app.services.markets.channels import Channel

# So long it goes on without anybody who watches, for whoever comes back.
GRACE_SECONDS = 10.0
# What has said nothing for so long, by our clock, cannot be relied on and is opened anew.
SILENCE_SECONDS = 30.0
FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 30.0
_LOOK_SECONDS = 1.0

T = TypeVar("T")
T_contra = TypeVar("T_contra", contravariant=True)

_log = structlog.get_logger(__name__)


class StreamListener(Protocol[T_contra]):
    """Whoever is told at once: it must not take long."""

    def put(self, topic: Hashable, value: T_contra, /) -> None: ...


class SharedStream(Generic[T]):
    """Listens once, tells everybody, and begins again whenever it breaks."""

    def __init__(
        self,
        channel: Channel[T],
        sources: Sequence[MarketSource],
        clock: Clock,
        tell_break: Callable[[str], None],
    ) -> None:
        self._channel = channel
        self._tell_break = tell_break
        self._sources = sources
        self._clock = clock
        self._watchers: set[StreamListener[T]] = set()
        self._left = asyncio.Event()
        self._latest: T | None = None
        self._is_aged = False
        self._heard_at = clock.now()

    @property
    def watchers(self) -> int:
        return len(self._watchers)

    @property
    def latest(self) -> T | None:
        return self._latest

    @property
    def live(self) -> T | None:
        """The newest value; None where it cannot be relied on."""
        return None if self._is_silent else self._latest

    def join(self, watcher: StreamListener[T]) -> None:
        self._watchers.add(watcher)
        self._left.clear()
        if self._latest is not None:
            watcher.put(self._channel.topic(self._latest), self._latest)

    def leave(self, watcher: StreamListener[T]) -> None:
        self._watchers.discard(watcher)
        if not self._watchers:
            self._left.set()

    def offer(self, value: T) -> None:
        """Take what the exchange has just answered, where the stream is not as good."""
        if self.live is None:
            self._hear(value)

    async def run(self) -> None:
        """Go on until nobody has watched for a while."""
        while self._watchers:
            async with asyncio.TaskGroup() as tasks:
                running = [tasks.create_task(self._pump()), tasks.create_task(self._grow_old())]
                await self._until_left()
                for task in running:
                    task.cancel()

    async def _until_left(self) -> None:
        while self._watchers:
            await self._left.wait()
            await self._clock.sleep(GRACE_SECONDS)

    async def _pump(self) -> None:
        pauses, before = Backoff(first=FIRST_PAUSE_SECONDS, longest=LONGEST_PAUSE_SECONDS), None
        while True:
            opened_at = self._clock.now()
            why = await self._failure_of_listening(before)
            if self._clock.now() - opened_at > timedelta(seconds=SILENCE_SECONDS):
                pauses.reset()
            self._tell_break(self._channel.key.kind)
            _log.info("feed.broken", **self._names, why=why)
            await self._clock.sleep(pauses.next())
            before = self._latest

    async def _failure_of_listening(self, before: T | None) -> str:
        try:
            await self._listen(before)
        except TimeoutError:
            return "it was silent"
        except Exception as error:  # noqa: BLE001 - whatever it was, it is opened anew
            return repr(error)
        return "it ended"

    async def _listen(self, before: T | None) -> None:
        async with aclosing(self._channel.open(self._source(), before)) as stream:
            while True:
                async with self._clock.timeout(SILENCE_SECONDS):
                    value = await anext(stream, None)
                if value is None:
                    return
                self._hear(value)

    def _source(self) -> MarketSource:
        """Of the accounts that see this market, one that can be reached."""
        cut_off = {Connectivity.CONNECTING, Connectivity.DISCONNECTED}
        reached = (one for one in self._sources if one.connection.connectivity not in cut_off)
        return next(reached, self._sources[0])

    async def _grow_old(self) -> None:
        while True:
            await self._clock.sleep(_LOOK_SECONDS)
            if self._latest is not None and self._is_silent and not self._is_aged:
                self._is_aged = True
                _log.info("feed.silent", **self._names, since=self._heard_at.isoformat())
                self._latest = self._channel.aged(self._latest)
                self._tell(self._latest)

    def _hear(self, value: T) -> None:
        self._latest, self._heard_at, self._is_aged = value, self._clock.now(), False
        self._tell(value)

    def _tell(self, value: T) -> None:
        topic = self._channel.topic(value)
        for watcher in self._watchers:
            watcher.put(topic, value)

    @property
    def _is_silent(self) -> bool:
        return self._since_heard >= timedelta(seconds=SILENCE_SECONDS)

    @property
    def _since_heard(self) -> timedelta:
        return self._clock.now() - self._heard_at

    @property
    def _names(self) -> dict[str, str]:
        return {"kind": self._channel.key.kind, "symbol": self._channel.key.symbol}
