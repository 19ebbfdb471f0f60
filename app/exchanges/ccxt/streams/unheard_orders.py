"""UnheardOrders: orders that were accepted a moment ago and that no stream has reported yet."""

import asyncio
from collections.abc import Iterable

from app.domain.orders.reports import OrderKey, OrderReport
from app.ports import Clock
from app.primitives.recent_dict import RecentDict

# Streams report a new order well within this time; one that was not subscribed yet never does.
UNHEARD_SECONDS = 1.0
_KEPT = 1000


class UnheardOrders:
    """An answer may be an order's id alone: the stream or a lookup says what became of it."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._due: dict[tuple[str, str], tuple[float, OrderKey]] = {}
        self._is_any = asyncio.Event()
        # A stream may be faster than the answer.
        self._heard: RecentDict[tuple[str, str], None] = RecentDict(_KEPT)

    def expect(self, report: OrderReport) -> None:
        """The stream should report this order soon, if it has not yet."""
        if report.name in self._heard:
            return
        key = OrderKey(
            symbol=report.symbol,
            wire_id=report.wire_id or "",
            exchange_order_id=report.exchange_order_id,
        )
        self._due[report.name] = (self._clock.elapsed() + UNHEARD_SECONDS, key)
        self._is_any.set()

    def heard(self, name: tuple[str, str]) -> None:
        self._heard[name] = None
        self._due.pop(name, None)

    async def overdue(self) -> Iterable[OrderKey]:
        """Wait until orders are overdue; each of them is returned once."""
        while True:
            while not self._due:
                self._is_any.clear()
                await self._is_any.wait()
            # The oldest is the first.
            due_at, _ = next(iter(self._due.values()))
            await self._clock.sleep(max(0.0, due_at - self._clock.elapsed()))
            now = self._clock.elapsed()
            late = {name: key for name, (due_at, key) in self._due.items() if due_at <= now}
            for name in late:
                del self._due[name]
            if late:
                return late.values()
