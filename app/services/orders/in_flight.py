"""Which orders this process is sending or amending now, and when it stopped waiting for each."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from app.ports import Clock
from app.primitives.recent_dict import RecentDict

_REMEMBERED = 10_000


class OrdersInFlight:
    """What this process knows of its own requests: no age of an order has to be guessed from it."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._held: Counter[str] = Counter()
        self._ended: RecentDict[str, float] = RecentDict(_REMEMBERED)

    @contextmanager
    def hold(self, order_id: str) -> Iterator[None]:
        """From before the order or amendment is stored until its outcome is stored."""
        self._ended.pop(order_id, None)
        self._held[order_id] += 1
        try:
            yield
        finally:
            self._held[order_id] -= 1
            if not self._held[order_id]:
                del self._held[order_id]
            if order_id not in self._ended:
                self.end(order_id)

    def end(self, order_id: str) -> None:
        """The request was answered or given up: nothing of it is sent any more."""
        self._ended[order_id] = self._clock.elapsed()

    def holds(self, order_id: str) -> bool:
        return order_id in self._held

    def is_sending(self, order_id: str) -> bool:
        return order_id in self._held and order_id not in self._ended

    def ended_at(self, order_id: str) -> float | None:
        """In elapsed time; None if this process has not sent it, or is still sending it."""
        return self._ended.get(order_id)
