"""How the orders that wait stood when they were told last: what else is true was not told."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import TypeVar

from app.domain.order_reports import OrderKey, OrderReport
from app.domain.orders import OrderStatus

_KEPT = 10_000
_Kept = TypeVar("_Kept")


@dataclass(frozen=True, kw_only=True, slots=True)
class _Standing:
    symbol: str
    wire_id: str | None
    status: OrderStatus
    filled: Decimal | None

    def is_other_than(self, before: "_Standing") -> bool:
        """What one of them does not tell is no difference."""
        if None not in {self.filled, before.filled} and self.filled != before.filled:
            return True
        return self.status is not before.status


class Standings:
    """Orders by the exchange's id: the names of all that were told, and how the open ones stand."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}
        self._waiting: dict[str, _Standing] = {}

    def __len__(self) -> int:
        return len(self._waiting)

    def note(self, report: OrderReport, symbol: str) -> bool:
        """Says whether it stands otherwise than was told before."""
        key, before = report.exchange_order_id, self._waiting.pop(report.exchange_order_id, None)
        if report.wire_id is not None:
            _keep(self._names, key, report.wire_id)
        now = _Standing(
            symbol=symbol,
            wire_id=self.wire_id(key),
            status=report.status,
            filled=report.filled,
        )
        if report.status.is_open:
            _keep(self._waiting, key, now)
        return before is not None and now.is_other_than(before)

    def wire_id(self, exchange_order_id: str) -> str | None:
        """Trades name their order by the exchange's id alone, which may not be known to us yet."""
        return self._names.get(exchange_order_id)

    def missing(self, reports: Iterable[OrderReport]) -> list[OrderKey]:
        """Those that waited and are not among the open ones any more."""
        there = {report.exchange_order_id for report in reports}
        return [
            OrderKey(
                symbol=standing.symbol, wire_id=standing.wire_id or "", exchange_order_id=order_id
            )
            for order_id, standing in self._waiting.items()
            if order_id not in there
        ]

    def forget(self, exchange_order_id: str) -> None:
        self._waiting.pop(exchange_order_id, None)


def _keep(kept: dict[str, _Kept], key: str, value: _Kept) -> None:
    kept[key] = value
    while len(kept) > _KEPT:
        del kept[next(iter(kept))]
