"""LastSeenOrders: the last reported state of open orders, to detect updates the stream missed."""

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
        """Whether the states differ; a filled amount that is unknown in either does not count."""
        if None not in {self.filled, before.filled} and self.filled != before.filled:
            return True
        return self.status is not before.status


class LastSeenOrders:
    """By the exchange's ids: the wire id of every order seen, and the last state of open ones."""

    def __init__(self) -> None:
        self._names: RecentDict[tuple[str, str], str] = RecentDict(_KEPT)
        self._open: RecentDict[tuple[str, str], _LastSeen] = RecentDict(_KEPT)

    def __len__(self) -> int:
        return len(self._open)

    def note(self, report: OrderReport) -> bool:
        """Remember the order's state; returns whether it differs from the last one seen."""
        key, before = report.name, self._open.pop(report.name, None)
        if report.wire_id is not None:
            self._names[key] = report.wire_id
        now = _LastSeen(
            wire_id=self.wire_id(key),
            status=report.status,
            filled=report.filled,
        )
        if report.status.is_open:
            self._open[key] = now
        return before is not None and now.is_other_than(before)

    def wire_id(self, name: tuple[str, str]) -> str | None:
        """Our wire id, for trades: they name their order only by the exchange's id."""
        return self._names.get(name)

    def missing(self, reports: Iterable[OrderReport]) -> list[OrderKey]:
        """The orders that were open when last seen and are not in these reports."""
        reported = {report.name for report in reports}
        return [
            OrderKey(symbol=symbol, wire_id=last_seen.wire_id or "", exchange_order_id=order_id)
            for (symbol, order_id), last_seen in self._open.items()
            if (symbol, order_id) not in reported
        ]

    def forget(self, key: OrderKey) -> None:
        self._open.pop((key.symbol, key.exchange_order_id or ""), None)
