"""The broadcast of an exchange's order reports, and the queue that each reader reads them from."""

import asyncio
from collections.abc import AsyncIterator
from weakref import WeakSet

from app.domain.orders.reports import OrderReport

KEPT_REPORTS = 10_000


class NewsReader(AsyncIterator[OrderReport]):
    """The reports that one reader has not read yet; if the queue is full, the oldest is lost."""

    def __init__(self) -> None:
        self._unread: asyncio.Queue[OrderReport] = asyncio.Queue(KEPT_REPORTS)

    def put(self, report: OrderReport) -> None:
        if self._unread.full():
            self._unread.get_nowait()
        self._unread.put_nowait(report)

    async def __anext__(self) -> OrderReport:
        return await self._unread.get()


class NewsBroadcast:
    """Hands every report to every reader that still exists."""

    def __init__(self) -> None:
        self._readers: WeakSet[NewsReader] = WeakSet()

    @property
    def readers(self) -> int:
        return len(self._readers)

    def reader(self) -> NewsReader:
        reader = NewsReader()
        self._readers.add(reader)
        return reader

    def publish(self, report: OrderReport) -> None:
        for reader in self._readers:
            reader.put(report)
