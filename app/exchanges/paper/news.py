"""The exchange's stream of order news: quick, and no more reliable than such streams are."""

import asyncio
from collections.abc import AsyncIterator
from weakref import WeakSet

from app.domain.order_reports import OrderReport
from app.exchanges.paper.faults import Faults

_KEPT_REPORTS = 1_000


class NewsReader(AsyncIterator[OrderReport]):
    """What one listener has not read yet; beyond what is kept, the oldest is lost."""

    def __init__(self) -> None:
        self._unread: asyncio.Queue[OrderReport] = asyncio.Queue(_KEPT_REPORTS)

    def put(self, report: OrderReport) -> None:
        if self._unread.full():
            self._unread.get_nowait()
        self._unread.put_nowait(report)

    async def __anext__(self) -> OrderReport:
        return await self._unread.get()


class NewsDesk:
    """Gives every report to every reader who is still there."""

    def __init__(self, faults: Faults) -> None:
        self._faults = faults
        self._readers: WeakSet[NewsReader] = WeakSet()
        self._held: OrderReport | None = None

    def reader(self) -> NewsReader:
        reader = NewsReader()
        self._readers.add(reader)
        return reader

    @property
    def readers(self) -> int:
        return len(self._readers)

    def publish(self, report: OrderReport) -> None:
        for due in self._in_order(report):
            for reader in self._readers:
                for _ in range(self._faults.news_copies):
                    reader.put(due)

    def _in_order(self, report: OrderReport) -> tuple[OrderReport, ...]:
        """The report; where the order is disturbed, each second one before the first."""
        held, self._held = self._held, None
        if held is not None:
            return report, held
        if self._faults.is_news_reordered:
            self._held = report
            return ()
        return (report,)
