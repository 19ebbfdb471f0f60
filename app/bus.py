"""Wakes the listeners of this process: the log is the truth, the bus says that there is more."""

import asyncio
from collections.abc import Iterable
from contextlib import suppress
from enum import StrEnum
from types import TracebackType
from typing import Self


class Topic(StrEnum):
    """What there may be more of."""

    EVENTS = "EVENTS"
    BEHIND = "BEHIND"
    FEED = "FEED"
    DOUBTS = "DOUBTS"
    FEES = "FEES"
    SWITCHES = "SWITCHES"


class Listener:
    """One listener's bell: it stays rung until it was heard."""

    def __init__(self, bus: "Bus", topic: Topic) -> None:
        self._bus = bus
        self._topic = topic
        self._bell = asyncio.Event()

    @property
    def is_rung(self) -> bool:
        return self._bell.is_set()

    def ring(self) -> None:
        self._bell.set()

    async def wait(self) -> None:
        """Return once something was published since the last return."""
        await self._bell.wait()
        self._bell.clear()

    async def until_rung(self) -> None:
        """Return once it is rung, and leave it so."""
        await self._bell.wait()

    def hush(self) -> None:
        """What was published so far is being looked at."""
        self._bell.clear()

    async def wait_at_most(self, seconds: float | None) -> None:
        """Return then too, for listeners that other processes cannot ring."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self.wait()

    def close(self) -> None:
        self._bus.forget(self._topic, self)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.close()


class Bus:
    """The listeners of this process, by topic."""

    def __init__(self) -> None:
        self._listeners: dict[Topic, set[Listener]] = {topic: set() for topic in Topic}

    def listen(self, topic: Topic) -> Listener:
        """Register at once: whatever is published from here on is heard."""
        listener = Listener(self, topic)
        self._listeners[topic].add(listener)
        return listener

    def forget(self, topic: Topic, listener: Listener) -> None:
        self._listeners[topic].discard(listener)

    def publish(self, topics: Iterable[Topic]) -> None:
        for topic in topics:
            for listener in self._listeners[topic]:
                listener.ring()
