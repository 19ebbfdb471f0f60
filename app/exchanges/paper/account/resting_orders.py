"""The waiting orders as one process knows them, and the next tick that concerns one of them."""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial
from operator import itemgetter

from app.domain.paper_ledger import PaperNumbers, PaperOrder
from app.exchanges.paper.account.crossing import is_due, waits_at, waits_for_fall
from app.exchanges.paper.account.margin_account import MarginAccount, MarkOf

# How far back the exchange looks where nobody did: ten minutes.
CATCH_UP_TICKS = 2_400

_Place = tuple[Decimal, int]
_price = itemgetter(0)

LastPrice = Callable[[str, int], Decimal]


@dataclass(slots=True)
class _PriceQueue:
    """Those of one symbol, sorted by the price that each waits for."""

    orders: dict[int, PaperOrder] = field(default_factory=dict)
    falls: list[_Place] = field(default_factory=list)
    rises: list[_Place] = field(default_factory=list)

    def copy(self) -> "_PriceQueue":
        return _PriceQueue(dict(self.orders), list(self.falls), list(self.rises))

    def put(self, order: PaperOrder) -> None:
        self.drop(order.number)
        self.orders[order.number] = order
        insort(self._side(order), (waits_at(order), order.number))

    def drop(self, number: int) -> None:
        order = self.orders.pop(number, None)
        if order is not None:
            side = self._side(order)
            del side[bisect_left(side, (waits_at(order), number))]

    def due(self, last: Decimal) -> list[PaperOrder]:
        fallen = self.falls[bisect_left(self.falls, last, key=_price) :]
        risen = self.rises[: bisect_right(self.rises, last, key=_price)]
        reached = (self.orders[number] for _, number in (*fallen, *risen))
        return [order for order in reached if is_due(order, last)]

    def _side(self, order: PaperOrder) -> list[_Place]:
        return self.falls if waits_for_fall(order) else self.rises


@dataclass(kw_only=True, slots=True)
class RestingOrders:
    """What waits in the books: as of one change of theirs, compared with all ticks up to one."""

    change: int
    tick: int
    # What the exchange itself watches beside them.
    margin_account: MarginAccount = field(default_factory=MarginAccount)
    _lines: dict[str, _PriceQueue] = field(default_factory=dict)

    @classmethod
    def of(
        cls, orders: Iterable[PaperOrder], numbers: PaperNumbers, margin_account: MarginAccount
    ) -> "RestingOrders":
        waiting = cls(change=numbers.change, tick=numbers.tick, margin_account=margin_account)
        for order in orders:
            waiting.put(order)
        return waiting

    @property
    def symbols(self) -> list[str]:
        """The markets in which anything waits, or a margin position is open."""
        return sorted({*(name for name, _ in self._occupied()), *self.margin_account.symbols})

    def copy(self) -> "RestingOrders":
        lines = {symbol: line.copy() for symbol, line in self._lines.items()}
        return RestingOrders(
            change=self.change, tick=self.tick, margin_account=self.margin_account, _lines=lines
        )

    def of_market(self, symbol: str) -> list[PaperOrder]:
        """In the order in which they were placed."""
        line = self._lines.get(symbol, _PriceQueue())
        return [line.orders[number] for number in sorted(line.orders)]

    def on_margin(self, quote: str) -> list[PaperOrder]:
        """Those that wait to trade with margin in this quote, in the order of their placing."""
        every = (order for _, line in self._occupied() for order in line.orders.values())
        found = (order for order in every if order.is_on_margin and order.quote == quote)
        return sorted(found, key=lambda order: order.number)

    def put(self, order: PaperOrder) -> None:
        """Take an order as it is now, which may be that it waits no longer."""
        line = self._lines.setdefault(order.symbol, _PriceQueue())
        if order.waits:
            line.put(order)
        else:
            line.drop(order.number)

    def learn(
        self,
        changed: Iterable[PaperOrder],
        margin_account: MarginAccount,
        *,
        since: int,
        numbers: PaperNumbers,
    ) -> None:
        """Take in every change after one of them, unless older ones are missing or newer known."""
        if since > self.change or numbers.change < self.change:
            return
        if numbers.change == self.change:
            self.tick = max(self.tick, numbers.tick)
            return
        for order in changed:
            if order.change > self.change:
                self.put(order)
        self.change, self.tick, self.margin_account = numbers.change, numbers.tick, margin_account

    def next_due(self, ticks: Iterable[int], last: LastPrice) -> int | None:
        """The first of the ticks that concerns any order, or calls for a liquidation."""
        lines = list(self._occupied())
        if not lines and not self.margin_account.totals:
            return None
        return next(
            (
                tick
                for tick in ticks
                if any(line.due(last(name, tick)) for name, line in lines)
                or self.margin_account.called(partial(_at, last, tick))
            ),
            None,
        )

    def due(self, last: MarkOf) -> list[PaperOrder]:
        """Those whom these prices concern, in the order in which they came."""
        prices = ((line, last(name)) for name, line in self._occupied())
        found = [order for line, price in prices if price is not None for order in line.due(price)]
        return sorted(found, key=lambda order: (order.queued_at, order.number))

    def _occupied(self) -> Iterator[tuple[str, _PriceQueue]]:
        return ((symbol, line) for symbol, line in self._lines.items() if line.orders)


def _at(last: LastPrice, tick: int, symbol: str) -> Decimal:
    return last(symbol, tick)


def ticks_after(tick: int, until: int) -> range:
    """Those still to be looked at; a tick that lies far ahead was noted under a wrong clock."""
    first = until if tick > until + CATCH_UP_TICKS else tick + 1
    return range(max(first, until - CATCH_UP_TICKS), until + 1)
