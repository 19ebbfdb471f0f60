"""RestingOrders: the open orders as one process knows them, and the next tick that reaches one."""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial
from operator import itemgetter

from app.domain.paper_ledger import PaperNumbers, PaperOrder
from app.exchanges.paper.account.crossing import is_due, waits_at, waits_for_fall
from app.exchanges.paper.account.margin_account import MarginAccount, MarkOf

# How far back missed ticks are replayed: ten minutes.
CATCH_UP_TICKS = 2_400

_Place = tuple[Decimal, int]
_price = itemgetter(0)

LastPrice = Callable[[str, int], Decimal]


@dataclass(slots=True)
class _PriceQueue:
    """The resting orders of one symbol, sorted by the price that each waits for."""

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
    """The ledger's open orders as of `change`, matched against all ticks up to `tick`."""

    change: int
    tick: int
    # Watched for liquidation.
    margin_account: MarginAccount = field(default_factory=MarginAccount)
    _queues: dict[str, _PriceQueue] = field(default_factory=dict)

    @classmethod
    def of(
        cls, orders: Iterable[PaperOrder], numbers: PaperNumbers, margin_account: MarginAccount
    ) -> "RestingOrders":
        resting = cls(change=numbers.change, tick=numbers.tick, margin_account=margin_account)
        for order in orders:
            resting.put(order)
        return resting

    @property
    def symbols(self) -> list[str]:
        """The markets with an open order or an open margin position."""
        return sorted({*(name for name, _ in self._nonempty()), *self.margin_account.symbols})

    def copy(self) -> "RestingOrders":
        queues = {symbol: queue.copy() for symbol, queue in self._queues.items()}
        return RestingOrders(
            change=self.change, tick=self.tick, margin_account=self.margin_account, _queues=queues
        )

    def of_market(self, symbol: str) -> list[PaperOrder]:
        """The market's open orders, in the order in which they were placed."""
        queue = self._queues.get(symbol, _PriceQueue())
        return [queue.orders[number] for number in sorted(queue.orders)]

    def on_margin(self, quote: str) -> list[PaperOrder]:
        """The open margin orders in this quote, in the order in which they were placed."""
        every = (order for _, queue in self._nonempty() for order in queue.orders.values())
        found = (order for order in every if order.is_on_margin and order.quote == quote)
        return sorted(found, key=lambda order: order.number)

    def put(self, order: PaperOrder) -> None:
        """Add or update an order; one that is no longer open is dropped."""
        queue = self._queues.setdefault(order.symbol, _PriceQueue())
        if order.waits:
            queue.put(order)
        else:
            queue.drop(order.number)

    def learn(
        self,
        changed: Iterable[PaperOrder],
        margin_account: MarginAccount,
        *,
        since: int,
        numbers: PaperNumbers,
    ) -> None:
        """Apply the changes after `since`, unless some before it are missing or newer are known."""
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
        """The first of the ticks that reaches any order or calls for a liquidation."""
        queues = list(self._nonempty())
        if not queues and not self.margin_account.totals:
            return None
        return next(
            (
                tick
                for tick in ticks
                if any(queue.due(last(name, tick)) for name, queue in queues)
                or self.margin_account.called(partial(_last_at, last, tick))
            ),
            None,
        )

    def due(self, last: MarkOf) -> list[PaperOrder]:
        """The orders that these prices reach, in the order in which they queued."""
        prices = ((queue, last(name)) for name, queue in self._nonempty())
        found = [
            order for queue, price in prices if price is not None for order in queue.due(price)
        ]
        return sorted(found, key=lambda order: (order.queued_at, order.number))

    def _nonempty(self) -> Iterator[tuple[str, _PriceQueue]]:
        return ((symbol, queue) for symbol, queue in self._queues.items() if queue.orders)


def _last_at(last: LastPrice, tick: int, symbol: str) -> Decimal:
    return last(symbol, tick)


def ticks_after(tick: int, until: int) -> range:
    """The ticks still to replay; a stored tick far in the future came from a wrong clock."""
    first = until if tick > until + CATCH_UP_TICKS else tick + 1
    return range(max(first, until - CATCH_UP_TICKS), until + 1)
