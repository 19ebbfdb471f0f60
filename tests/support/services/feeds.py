"""Market data streams over ManualMarketData, and helpers that collect what a stream yields."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from typing import Any, TypeVar, cast

from app.domain.accounts import AccountMode
from app.ports import ExchangeGateway
from app.services.accounts import AccountEntry
from app.services.markets.market_data import MarketDataService
from app.services.markets.stream_registry import StreamRegistry
from app.services.metrics import Metrics
from tests.support.clock import ManualClock
from tests.support.market_sources import ManualMarketData

PATIENCE_SECONDS = 2.0
T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Feeding:
    """The market data service, its streams, and the fake sources behind them."""

    clock: ManualClock
    sources: tuple[ManualMarketData, ...]
    feeds: StreamRegistry
    metrics: Metrics
    service: MarketDataService

    @property
    def source(self) -> ManualMarketData:
        return self.sources[0]

    @property
    def account(self) -> AccountEntry:
        return AccountEntry(
            name="hand",
            exchange="hand",
            mode=AccountMode.PAPER,
            max_open_orders=None,
            answer_seconds=10,
            gateway=cast("ExchangeGateway", self.source),
        )

    async def until_open(self, name: str, times: int = 1) -> None:
        """Wait until the stream is open and was opened this many times."""
        await self.until(lambda: self.source.opened[name] >= times and name in self.source.open)

    async def until_received(self, updates: "Updates[Any]", count: int) -> None:
        await self.until(lambda: len(updates) >= count)

    async def until(self, is_so: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not is_so():  # noqa: ASYNC110 - there is no event for it
                await asyncio.sleep(0)


@asynccontextmanager
async def feeding(clock: ManualClock, *, sources: int = 1) -> AsyncIterator[Feeding]:
    made = tuple(ManualMarketData(clock) for _ in range(sources))
    metrics = Metrics()
    feeds = StreamRegistry(made, clock, metrics)
    running = asyncio.create_task(feeds.run())
    try:
        yield Feeding(
            clock=clock,
            sources=made,
            feeds=feeds,
            metrics=metrics,
            service=MarketDataService(feeds, clock),
        )
    finally:
        running.cancel()
        await asyncio.wait([running])
        if not running.cancelled():
            running.result()


class Updates(list[T]):
    """The values that a stream has yielded so far."""

    def __init__(self, stream: AsyncGenerator[T, None]) -> None:
        super().__init__()
        self._stream = stream

    async def run(self) -> None:
        async with aclosing(self._stream) as values:
            async for value in values:
                self.append(value)


@asynccontextmanager
async def reading(stream: AsyncGenerator[T, None]) -> AsyncIterator[Updates[T]]:
    """Read a stream as fast as it yields, until the block ends."""
    updates = Updates(stream)
    task = asyncio.create_task(updates.run())
    try:
        yield updates
    finally:
        task.cancel()
        await asyncio.wait([task])


async def next_of(stream: AsyncGenerator[T, None]) -> T:
    async with asyncio.timeout(PATIENCE_SECONDS):
        return await anext(stream)
