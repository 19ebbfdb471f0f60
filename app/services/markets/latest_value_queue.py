"""A subscriber's queue of the newest value per topic."""

import asyncio
from collections.abc import AsyncIterator, Hashable
from typing import Generic, TypeVar

from app.primitives.fair_scheduler import FairScheduler
from app.primitives.recent_dict import RecentDict

T = TypeVar("T")


class LatestValueQueue(AsyncIterator[T], Generic[T]):
    """Keeps only the newest value per topic, so a slow reader never blocks and ends up to date."""

    def __init__(self, turns: FairScheduler, *, most: int) -> None:
        self._turns = turns
        self._unread: RecentDict[Hashable, T] = RecentDict(most)
        self._delivered: RecentDict[Hashable, T] = RecentDict(most)
        self._has_unread = asyncio.Event()

    def put(self, topic: Hashable, value: T) -> None:
        """Replace the topic's unread value; with too many topics, the oldest is dropped."""
        self._unread[topic] = value
        self._has_unread.set()

    async def __anext__(self) -> T:
        while True:
            while not self._unread:
                self._has_unread.clear()
                await self._has_unread.wait()
            await self._turns.turn()
            topic = next(iter(self._unread))
            value = self._unread.pop(topic)
            if self._delivered.get(topic) != value:
                self._delivered[topic] = value
                return value
