"""Bus: wakes listeners in this process. It carries no data: listeners read the database."""

import asyncio
from collections.abc import Iterable
from contextlib import suppress
from enum import StrEnum
from types import TracebackType
from typing import Self


class Topic(StrEnum):
    """What listeners can wait for.

    EVENTS: this process committed order events.
    BEHIND: the update log should read the database, as another process may have written.
    FEED: anything that a client can see changed, in this process or another.
    DOUBTS: an order came into doubt.
    FEES: a position has fees without a value.
    SWITCHES: a dead-man switch was armed, disarmed or fired.
    """

    EVENTS = "EVENTS"
    BEHIND = "BEHIND"
    FEED = "FEED"
    DOUBTS = "DOUBTS"
    FEES = "FEES"
    SWITCHES = "SWITCHES"


class Listener:
    """One listener's flag: it stays set until the listener has waited for it."""

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
        """Return once it is set, and leave it set."""
        await self._bell.wait()

    def hush(self) -> None:
        """Clear the flag before reading what was published so far."""
        self._bell.clear()

    async def wait_at_most(self, seconds: float | None) -> None:
        """Wait, but not longer than this: other processes cannot wake this listener."""
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
        """Register at once: nothing published from here on is missed."""
        listener = Listener(self, topic)
        self._listeners[topic].add(listener)
        return listener

    def forget(self, topic: Topic, listener: Listener) -> None:
        self._listeners[topic].discard(listener)

    def publish(self, topics: Iterable[Topic]) -> None:
        for topic in topics:
            for listener in self._listeners[topic]:
                listener.ring()
