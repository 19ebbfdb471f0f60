"""FaultyNews: the paper exchange's stream of order reports, with the faults that tests inject."""

import asyncio

from app.domain.orders.reports import OrderReport
from app.exchanges.news import NewsBroadcast, NewsReader
from app.exchanges.paper.faults import Faults


class FaultyNews:
    """Publishes order reports, repeated or reordered if the faults say so."""

    def __init__(self, faults: Faults) -> None:
        self._faults = faults
        self._broadcast = NewsBroadcast()
        self._delayed: OrderReport | None = None
        self._gap = asyncio.Event()

    @property
    def readers(self) -> int:
        return self._broadcast.readers

    def reader(self) -> NewsReader:
        return self._broadcast.reader()

    def publish(self, report: OrderReport) -> None:
        for due in self._in_order(report):
            for _ in range(self._faults.news_copies):
                self._broadcast.publish(due)

    def open_gap(self) -> None:
        """Signal that the reports alone may not show what happened: compare the lists."""
        self._gap.set()

    async def gap(self) -> None:
        """Wait for the next gap; one that came while nobody waited ends the next wait at once."""
        await self._gap.wait()
        self._gap.clear()

    def _in_order(self, report: OrderReport) -> tuple[OrderReport, ...]:
        """The reports to publish now; with reordering on, every second one before the first."""
        delayed, self._delayed = self._delayed, None
        if delayed is not None:
            return report, delayed
        if self._faults.is_news_reordered:
            self._delayed = report
            return ()
        return (report,)
