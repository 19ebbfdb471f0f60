"""All that is watched of all markets: one stream for each, however many watch it."""

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import Any, TypeVar

from app.ports import Clock, MarketSource
from app.primitives.fair_scheduler import price_turns
from app.services.markets.channels import Channel, ChannelKey
from app.services.markets.latest_value_queue import LatestValueQueue
from app.services.markets.shared_stream import SharedStream, StreamListener
from app.services.metrics import Metrics

T = TypeVar("T")


class StreamRegistry:
    """Begins a feed with the first who watches it, and ends it some time after the last."""

    def __init__(
        self, sources: Sequence[MarketSource], clock: Clock, metrics: Metrics | None = None
    ) -> None:
        self._metrics = metrics or Metrics()
        self._sources = sources
        self._clock = clock
        self._turns = price_turns()
        self._streams: dict[ChannelKey, SharedStream[Any]] = {}
        self._new: asyncio.Queue[ChannelKey] = asyncio.Queue()

    def __len__(self) -> int:
        return len(self._streams)

    @property
    def watchers(self) -> int:
        return sum(feed.watchers for feed in self._streams.values())

    def live(self, channel: Channel[T]) -> T | None:
        """What is known of it without asking anybody; None where nobody watches it."""
        feed: SharedStream[T] | None = self._streams.get(channel.key)
        return None if feed is None else feed.live

    def latest(self, channel: Channel[T]) -> T | None:
        """The last that was heard of it, however long ago, while it is watched."""
        feed: SharedStream[T] | None = self._streams.get(channel.key)
        return None if feed is None else feed.latest

    async def follow(
        self, channels: Sequence[Channel[T]], present: Mapping[ChannelKey, T], *, most: int
    ) -> AsyncGenerator[T, None]:
        """What is now, then what changes; of what is not read in time, so many newest."""
        watcher = LatestValueQueue[T](self._turns, most=most)
        try:
            for channel in channels:
                if channel.key in present:
                    self._feed(channel).offer(present[channel.key])
                self.join(channel, watcher)
            async for value in watcher:
                yield value
        finally:
            for channel in channels:
                self.leave(channel, watcher)

    def join(self, channel: Channel[T], listener: StreamListener[T]) -> None:
        """Hear the latest, if there is one, and whatever comes after it."""
        self._feed(channel).join(listener)

    def leave(self, channel: Channel[T], listener: StreamListener[T]) -> None:
        feed: SharedStream[T] | None = self._streams.get(channel.key)
        if feed is not None:
            feed.leave(listener)

    async def run(self) -> None:
        """Keep every feed going that is watched."""
        self._new = asyncio.Queue()
        for key in self._streams:
            self._new.put_nowait(key)
        async with asyncio.TaskGroup() as tasks:
            while True:
                tasks.create_task(self._serve(await self._new.get()))

    async def _serve(self, key: ChannelKey) -> None:
        await self._streams[key].run()
        del self._streams[key]

    def _feed(self, channel: Channel[T]) -> SharedStream[T]:
        key = channel.key
        if key not in self._streams:
            sources = [one for one in self._sources if one.market_set == key.market_set]
            self._streams[key] = SharedStream(channel, sources, self._clock, self._metrics.broke)
            self._new.put_nowait(key)
        return self._streams[key]
