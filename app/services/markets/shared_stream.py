"""One stream from an exchange, shared by all its readers and reopened when it breaks."""

import asyncio
from collections.abc import Callable, Hashable, Sequence
from contextlib import aclosing
from typing import Generic, Protocol, TypeVar

import structlog

from app.domain.accounts import Connectivity
from app.ports import Clock, MarketSource
from app.primitives.backoff import Backoff
from app.services.markets.channels import Channel

# How long a stream stays open without readers, in case one comes back.
GRACE_SECONDS = 10.0
# A stream without a value for this long, by our clock, is stale and is opened again.
SILENCE_SECONDS = 30.0
FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 30.0
_LOOK_SECONDS = 1.0

T = TypeVar("T")
T_contra = TypeVar("T_contra", contravariant=True)

_log = structlog.get_logger(__name__)


class StreamListener(Protocol[T_contra]):
    """Gets each value at once; `put` must be quick."""

    def put(self, topic: Hashable, value: T_contra, /) -> None: ...


class SharedStream(Generic[T]):
    """Reads one stream, passes each value to all readers, and reopens the stream if it breaks."""

    def __init__(
        self,
        channel: Channel[T],
        sources: Sequence[MarketSource],
        clock: Clock,
        count_break: Callable[[str], None],
    ) -> None:
        self._channel = channel
        self._count_break = count_break
        self._sources = sources
        self._clock = clock
        self._listeners: set[StreamListener[T]] = set()
        self._left = asyncio.Event()
        self._latest: T | None = None
        self._is_aged = False
        self._heard_at = clock.elapsed()

    @property
    def watchers(self) -> int:
        return len(self._listeners)

    @property
    def latest(self) -> T | None:
        return self._latest

    @property
    def live(self) -> T | None:
        """The newest value; None if it is stale."""
        return None if self._is_silent else self._latest

    def heard_since(self, since: float) -> T | None:
        """The newest value, if the stream has told one since then."""
        return self._latest if self._heard_at > since else None

    def join(self, listener: StreamListener[T]) -> None:
        self._listeners.add(listener)
        self._left.clear()
        if self._latest is not None:
            listener.put(self._channel.topic(self._latest), self._latest)

    def leave(self, listener: StreamListener[T]) -> None:
        self._listeners.discard(listener)
        if not self._listeners:
            self._left.set()

    def offer(self, value: T) -> None:
        """Take a value that the exchange has just answered, unless the stream has a live one."""
        if self.live is None:
            self._receive(value)

    async def run(self) -> None:
        """Read the stream until nobody has watched it for a while."""
        while self._listeners:
            async with asyncio.TaskGroup() as tasks:
                running = [
                    tasks.create_task(self._keep_listening()),
                    tasks.create_task(self._mark_when_silent()),
                ]
                await self._until_left()
                for task in running:
                    task.cancel()

    async def _until_left(self) -> None:
        while self._listeners:
            await self._left.wait()
            await self._clock.sleep(GRACE_SECONDS)

    async def _keep_listening(self) -> None:
        pauses, before = Backoff(first=FIRST_PAUSE_SECONDS, longest=LONGEST_PAUSE_SECONDS), None
        while True:
            opened_at = self._clock.elapsed()
            why = await self._failure_of_listening(before)
            if self._clock.elapsed() - opened_at > SILENCE_SECONDS:
                pauses.reset()
            self._count_break(self._channel.key.kind)
            _log.info("feed.broken", **self._names, why=why)
            await self._clock.sleep(pauses.next())
            before = self._latest

    async def _failure_of_listening(self, before: T | None) -> str:
        try:
            await self._listen(before)
        except TimeoutError:
            return "it was silent"
        except Exception as error:  # noqa: BLE001 - after any failure the stream is opened again
            return repr(error)
        return "it ended"

    async def _listen(self, before: T | None) -> None:
        async with aclosing(self._channel.open(self._source(), before)) as stream:
            while True:
                async with self._clock.timeout(SILENCE_SECONDS):
                    value = await anext(stream, None)
                if value is None:
                    return
                self._receive(value)

    def _source(self) -> MarketSource:
        """An account with this market whose exchange can be reached, or else the first one."""
        cut_off = {Connectivity.CONNECTING, Connectivity.DISCONNECTED}
        reached = (
            source for source in self._sources if source.connection.connectivity not in cut_off
        )
        return next(reached, self._sources[0])

    async def _mark_when_silent(self) -> None:
        while True:
            await self._clock.sleep(_LOOK_SECONDS)
            if self._latest is not None and self._is_silent and not self._is_aged:
                self._is_aged = True
                _log.info("feed.silent", **self._names, seconds=round(self._since_heard))
                self._latest = self._channel.aged(self._latest)
                self._pass_on(self._latest)

    def _receive(self, value: T) -> None:
        self._latest, self._heard_at, self._is_aged = value, self._clock.elapsed(), False
        self._pass_on(value)

    def _pass_on(self, value: T) -> None:
        topic = self._channel.topic(value)
        for listener in self._listeners:
            listener.put(topic, value)

    @property
    def _is_silent(self) -> bool:
        return self._since_heard >= SILENCE_SECONDS

    @property
    def _since_heard(self) -> float:
        return self._clock.elapsed() - self._heard_at

    @property
    def _names(self) -> dict[str, str]:
        return {"kind": self._channel.key.kind, "symbol": self._channel.key.symbol}
