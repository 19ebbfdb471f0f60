"""The waiting orders as one process knows them: where to look, never what is true."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from functools import partial

from app.domain.paper import PaperOrder
from app.exchanges.paper.matching import is_beyond
from app.exchanges.paper.prices import tick_of

# How far back a process looks that was away: ten minutes.
CATCH_UP_TICKS = 2_400

LastPrice = Callable[[str, int], Decimal]


@dataclass(slots=True)
class _Waiting:
    order: PaperOrder
    next_tick: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Hit:
    """A waiting order, and the first tick whose price went through it."""

    number: int
    tick: int


class RestingOrders:
    """Which orders wait, and up to which tick each was compared with the price."""

    def __init__(self) -> None:
        self._waiting: dict[int, _Waiting] = {}

    @property
    def numbers(self) -> frozenset[int]:
        return frozenset(self._waiting)

    def add(self, order: PaperOrder) -> None:
        """Wait from the tick after the one in which the order came."""
        waiting = _Waiting(order, tick_of(order.created_at) + 1)
        self._waiting.setdefault(order.number, waiting)

    def discard(self, numbers: Iterable[int]) -> None:
        for number in numbers:
            self._waiting.pop(number, None)

    def hits(self, until: int, last: LastPrice) -> list[Hit]:
        """What trades by the end of this tick, in the order of time."""
        by_symbol: defaultdict[str, list[_Waiting]] = defaultdict(list)
        for waiting in self._waiting.values():
            by_symbol[waiting.order.symbol].append(waiting)
        found = [
            hit
            for symbol, waiting in by_symbol.items()
            for hit in _hits(waiting, until, partial(last, symbol))
        ]
        return sorted(found, key=lambda hit: (hit.tick, hit.number))

    def compared(self, numbers: Iterable[int], until: int) -> None:
        """Remember that for these no tick up to this one needs another look."""
        for number in numbers:
            if number in self._waiting:
                waiting = self._waiting[number]
                waiting.next_tick = max(waiting.next_tick, until + 1)


def _hits(waiting: list[_Waiting], until: int, last: Callable[[int], Decimal]) -> Iterator[Hit]:
    first = max(min(one.next_tick for one in waiting), until - CATCH_UP_TICKS)
    for tick in range(first, until + 1):
        price = last(tick)
        still = []
        for one in waiting:
            if one.next_tick <= tick and is_beyond(one.order, price):
                yield Hit(number=one.order.number, tick=tick)
            else:
                still.append(one)
        waiting = still
        if not waiting:
            return
