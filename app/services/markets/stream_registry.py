"""The registry of open market streams: one shared stream for each channel."""

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
    """Opens a stream for its first reader, and closes it some time after the last has left."""

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
        return sum(stream.watchers for stream in self._streams.values())

    def live(self, channel: Channel[T]) -> T | None:
        """The live value of a channel; None if nobody watches it or it is stale."""
        stream: SharedStream[T] | None = self._streams.get(channel.key)
        return None if stream is None else stream.live

    def heard_since(self, channel: Channel[T], since: float) -> T | None:
        """The newest value of a channel, if its stream has told one since then, in elapsed time."""
        stream: SharedStream[T] | None = self._streams.get(channel.key)
        return None if stream is None else stream.heard_since(since)

    def latest(self, channel: Channel[T]) -> T | None:
        """The last value of a watched channel, however old."""
        stream: SharedStream[T] | None = self._streams.get(channel.key)
        return None if stream is None else stream.latest

    async def follow(
        self, channels: Sequence[Channel[T]], present: Mapping[ChannelKey, T], *, most: int
    ) -> AsyncGenerator[T, None]:
        """Yield the present values, then updates; a slow reader gets the newest `most` topics."""
        queue = LatestValueQueue[T](self._turns, most=most)
        try:
            for channel in channels:
                if channel.key in present:
                    self._stream(channel).offer(present[channel.key])
                self.join(channel, queue)
            async for value in queue:
                yield value
        finally:
            for channel in channels:
                self.leave(channel, queue)

    def join(self, channel: Channel[T], listener: StreamListener[T]) -> None:
        """Pass the latest value, if there is one, and all following ones to this listener."""
        self._stream(channel).join(listener)

    def leave(self, channel: Channel[T], listener: StreamListener[T]) -> None:
        stream: SharedStream[T] | None = self._streams.get(channel.key)
        if stream is not None:
            stream.leave(listener)

    async def run(self) -> None:
        """Run the streams of all watched channels."""
        self._new = asyncio.Queue()
        for key in self._streams:
            self._new.put_nowait(key)
        async with asyncio.TaskGroup() as tasks:
            while True:
                tasks.create_task(self._serve(await self._new.get()))

    async def _serve(self, key: ChannelKey) -> None:
        await self._streams[key].run()
        del self._streams[key]

    def _stream(self, channel: Channel[T]) -> SharedStream[T]:
        key = channel.key
        if key not in self._streams:
            sources = [source for source in self._sources if source.market_set == key.market_set]
            self._streams[key] = SharedStream(channel, sources, self._clock, self._metrics.broke)
            self._new.put_nowait(key)
        return self._streams[key]
