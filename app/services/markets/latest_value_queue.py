"""Whoever watches, and what they have not been told yet: the newest of each topic, and no more."""

import asyncio
from collections.abc import AsyncIterator, Hashable
from typing import Generic, TypeVar

from app.primitives.fair_scheduler import FairScheduler
from app.primitives.recent_dict import RecentDict

T = TypeVar("T")


class LatestValueQueue(AsyncIterator[T], Generic[T]):
    """One who reads as slowly as they like: it costs nobody anything, and they miss no end."""

    def __init__(self, turns: FairScheduler, *, most: int) -> None:
        self._turns = turns
        self._untold: RecentDict[Hashable, T] = RecentDict(most)
        self._told: RecentDict[Hashable, T] = RecentDict(most)
        self._trigger = asyncio.Event()

    def put(self, topic: Hashable, value: T) -> None:
        """In the place of what was to be told of this topic; of too many, the oldest goes."""
        self._untold[topic] = value
        self._trigger.set()

    async def __anext__(self) -> T:
        while True:
            while not self._untold:
                self._trigger.clear()
                await self._trigger.wait()
            await self._turns.turn()
            topic = next(iter(self._untold))
            value = self._untold.pop(topic)
            if self._told.get(topic) != value:
                self._told[topic] = value
                return value
