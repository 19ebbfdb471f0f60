"""An in-memory LedgerStore for the paper exchange, with the promises of the real store."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal

from app.domain import money
from app.domain.paper_ledger import (
    PaperBalance,
    PaperNumbers,
    PaperOrder,
    PaperPosition,
    PaperTrade,
)

_NONE = PaperNumbers(order=0, trade=0, change=0, tick=0)


@dataclass
class _Entries:
    balances: dict[str, PaperBalance] = field(default_factory=dict)
    orders: dict[int, PaperOrder] = field(default_factory=dict)
    trades: dict[int, tuple[PaperTrade, ...]] = field(default_factory=dict)
    positions: dict[str, PaperPosition] = field(default_factory=dict)
    numbers: PaperNumbers = _NONE

    def copy(self) -> "_Entries":
        return _Entries(
            dict(self.balances), dict(self.orders), dict(self.trades), dict(self.positions),
            self.numbers,
        )  # fmt: skip


class _View:
    def __init__(self, entries: _Entries) -> None:
        self.entries = entries

    async def balances(self) -> Mapping[str, PaperBalance]:
        return dict(self.entries.balances)

    async def last_numbers(self) -> PaperNumbers:
        return self.entries.numbers

    async def find_order(self, number: int) -> PaperOrder | None:
        return self.entries.orders.get(number)

    async def find_order_by_wire_id(self, wire_id: str) -> PaperOrder | None:
        orders = self.entries.orders.values()
        return next((order for order in orders if order.wire_id == wire_id), None)

    async def open_orders(self) -> Sequence[PaperOrder]:
        return [order for order in self.entries.orders.values() if order.waits]

    async def changed_orders(self, since: int) -> Sequence[PaperOrder]:
        return [order for order in self.entries.orders.values() if order.change > since]

    async def trades(self, order_number: int) -> Sequence[PaperTrade]:
        return self.entries.trades.get(order_number, ())

    async def positions(self) -> Sequence[PaperPosition]:
        return [self.entries.positions[symbol] for symbol in sorted(self.entries.positions)]

    async def liquidations(self, since: datetime) -> Sequence[PaperOrder]:
        orders = self.entries.orders.values()
        return [order for order in orders if order.is_liquidation and order.updated_at >= since]


class _Transaction(_View):
    async def deposit(self, amounts: Mapping[str, Decimal]) -> None:
        for asset, amount in amounts.items():
            paid = PaperBalance(asset=asset, free=amount, used=money.ZERO)
            self.entries.balances.setdefault(asset, paid)

    async def lock_balances(self) -> Mapping[str, PaperBalance]:
        return dict(self.entries.balances)

    async def add_order(self, order: PaperOrder) -> None:
        assert order.number not in self.entries.orders
        await self.save_orders([order])

    async def save_orders(self, orders: Iterable[PaperOrder]) -> None:
        for order in orders:
            self.entries.orders[order.number] = order
            self._count(order=order.number, change=order.change)

    async def add_trades(self, trades: Iterable[PaperTrade]) -> None:
        for trade in trades:
            before = self.entries.trades.get(trade.order_number, ())
            self.entries.trades[trade.order_number] = (*before, trade)
            self._count(trade=trade.number)

    async def save_balances(self, balances: Iterable[PaperBalance]) -> None:
        self.entries.balances |= {balance.asset: balance for balance in balances}

    async def save_positions(self, positions: Iterable[PaperPosition]) -> None:
        self.entries.positions |= {position.symbol: position for position in positions}

    async def save_tick(self, tick: int) -> None:
        self.entries.numbers = replace(self.entries.numbers, tick=tick)

    def _count(self, **numbers: int) -> None:
        last = self.entries.numbers
        highest = {name: max(getattr(last, name), number) for name, number in numbers.items()}
        self.entries.numbers = replace(last, **highest)


class MemoryLedger:
    """The ledger of one account in dictionaries; a failed transaction changes nothing."""

    def __init__(self) -> None:
        self.entries = _Entries()
        self._turn = asyncio.Lock()

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[_Transaction]:
        async with self._turn:
            transaction = _Transaction(self.entries.copy())
            yield transaction
            self.entries = transaction.entries

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[_View]:
        yield _View(self.entries)
