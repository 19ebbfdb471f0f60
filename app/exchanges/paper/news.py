"""The exchange's stream of order news: quick, and no more reliable than such streams are."""

import asyncio

from app.domain.orders.reports import OrderReport
from app.exchanges.news import NewsBroadcast, NewsReader
from app.exchanges.paper.faults import Faults


class FaultyNews:
    """Hands the news out as faithfully as the faults let it."""

    def __init__(self, faults: Faults) -> None:
        self._faults = faults
        self._stand = NewsBroadcast()
        self._held: OrderReport | None = None
        self._gap = asyncio.Event()

    @property
    def readers(self) -> int:
        return self._stand.readers

    def reader(self) -> NewsReader:
        return self._stand.reader()

    def publish(self, report: OrderReport) -> None:
        for due in self._in_order(report):
            for _ in range(self._faults.news_copies):
                self._stand.publish(due)

    def open_gap(self) -> None:
        """Something came about that the news alone may not make known: look at the lists."""
        self._gap.set()

    async def gap(self) -> None:
        """Wait for the next one; one that came while nobody waited is told to the next who does."""
        await self._gap.wait()
        self._gap.clear()

    def _in_order(self, report: OrderReport) -> tuple[OrderReport, ...]:
        """The report; where the order is disturbed, each second one before the first."""
        held, self._held = self._held, None
        if held is not None:
            return report, held
        if self._faults.is_news_reordered:
            self._held = report
            return ()
        return (report,)
