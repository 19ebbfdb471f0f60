"""NamedTrades: reads trades by the ids that their orders name, many orders in one request."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any

from app.exchanges.ccxt.connection.calls import Call
from app.exchanges.ccxt.parsing.order_terms import Row
from app.exchanges.ccxt.rows.quirks import ExchangeQuirks
from app.primitives.recent_dict import RecentDict

_KEPT = 10_000

Ask = Callable[[Call], Awaitable[Sequence[Row]]]


class NamedTrades:
    """Trades never change, so each is asked for once and kept."""

    def __init__(self, quirks: ExchangeQuirks, ask: Ask) -> None:
        self._limit = quirks.trade_ids_limit
        self._ask = ask
        self._known: RecentDict[str, Row] = RecentDict(_KEPT)

    @property
    def is_used(self) -> bool:
        """Whether the exchange's orders name their trades."""
        return self._limit is not None

    async def keep(self, orders: Iterable[Row]) -> None:
        """Ask for the trades of all these orders at once, so that `of` need not."""
        if self._limit is not None:
            await self.of(orders)

    async def of(self, orders: Iterable[Row]) -> Sequence[Row]:
        """The trades of these orders; those that cannot be read are missing."""
        ids = list(dict.fromkeys(name for order in orders for name in _ids_in(order)))
        found = {name: self._known[name] for name in ids if name in self._known}
        for names in self._batches([name for name in ids if name not in found]):
            call = Call(
                method="fetch_order_trades", arguments=(None, None, None, None, {"trades": names})
            )
            for trade in await self._ask(call):
                found[trade["id"]] = self._known[trade["id"]] = trade
        return [found[name] for name in ids if name in found]

    def _batches(self, names: list[str]) -> Iterable[list[str]]:
        size = self._limit or 1
        return (names[start : start + size] for start in range(0, len(names), size))


def _ids_in(order: Row) -> Iterable[str]:
    raw: Any = order.get("info")
    named = raw.get("trades") if isinstance(raw, Mapping) else None
    return (name for name in named if isinstance(name, str)) if isinstance(named, list) else ()
