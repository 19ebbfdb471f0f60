"""How the orders that wait stood when they were told last: what else is true was not told."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from app.domain.orders.order import OrderStatus
from app.domain.orders.reports import OrderKey, OrderReport
from app.primitives.recent_dict import RecentDict

_KEPT = 10_000


@dataclass(frozen=True, kw_only=True, slots=True)
class _LastSeen:
    wire_id: str | None
    status: OrderStatus
    filled: Decimal | None

    def is_other_than(self, before: "_LastSeen") -> bool:
        """What one of them does not tell is no difference."""
        if None not in {self.filled, before.filled} and self.filled != before.filled:
            return True
        return self.status is not before.status


class LastSeenOrders:
    """Orders by the exchange's name: ours for all that were told, and how the open ones stand."""

    def __init__(self) -> None:
        self._names: RecentDict[tuple[str, str], str] = RecentDict(_KEPT)
        self._waiting: RecentDict[tuple[str, str], _LastSeen] = RecentDict(_KEPT)

    def __len__(self) -> int:
        return len(self._waiting)

    def note(self, report: OrderReport) -> bool:
        """Says whether it stands otherwise than was told before."""
        key, before = report.name, self._waiting.pop(report.name, None)
        if report.wire_id is not None:
            self._names[key] = report.wire_id
        now = _LastSeen(
            wire_id=self.wire_id(key),
            status=report.status,
            filled=report.filled,
        )
        if report.status.is_open:
            self._waiting[key] = now
        return before is not None and now.is_other_than(before)

    def wire_id(self, name: tuple[str, str]) -> str | None:
        """Trades name their order by the exchange's id alone, which may not be known to us yet."""
        return self._names.get(name)

    def missing(self, reports: Iterable[OrderReport]) -> list[OrderKey]:
        """Those that waited and are not among the open ones any more."""
        there = {report.name for report in reports}
        return [
            OrderKey(symbol=symbol, wire_id=standing.wire_id or "", exchange_order_id=order_id)
            for (symbol, order_id), standing in self._waiting.items()
            if (symbol, order_id) not in there
        ]

    def forget(self, key: OrderKey) -> None:
        self._waiting.pop((key.symbol, key.exchange_order_id or ""), None)
