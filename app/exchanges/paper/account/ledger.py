"""Protocols of a paper account's ledger: durable, and changed by one transaction at a time."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from decimal import Decimal
from typing import Protocol

from app.domain.paper_ledger import (
    PaperBalance,
    PaperNumbers,
    PaperOrder,
    PaperPosition,
    PaperTrade,
)


class LedgerView(Protocol):
    """A consistent view of the ledger at one instant."""

    async def balances(self) -> Mapping[str, PaperBalance]: ...

    async def find_order(self, number: int) -> PaperOrder | None: ...

    async def find_order_by_wire_id(self, wire_id: str) -> PaperOrder | None: ...

    async def last_numbers(self) -> PaperNumbers: ...

    async def open_orders(self) -> Sequence[PaperOrder]: ...

    async def changed_orders(self, since: int) -> Sequence[PaperOrder]:
        """Orders that are or were open, with a change after this one."""
        ...

    async def positions(self) -> Sequence[PaperPosition]:
        """The margin positions, including flat ones."""
        ...

    async def liquidations(self, since: datetime) -> Sequence[PaperOrder]:
        """The exchange's own orders (liquidations) that have closed since then."""
        ...

    async def trades(self, order_number: int) -> Sequence[PaperTrade]: ...


class LedgerUpdate(LedgerView, Protocol):
    """One transaction on the ledger: all its changes are written, or none."""

    async def deposit(self, amounts: Mapping[str, Decimal]) -> None:
        """Deposit, once in the account's life; an asset that is added later begins at zero."""
        ...

    async def lock_balances(self) -> Mapping[str, PaperBalance]:
        """The balances; every other writer of this ledger waits until the commit."""
        ...

    async def add_order(self, order: PaperOrder) -> None: ...

    async def save_orders(self, orders: Iterable[PaperOrder]) -> None: ...

    async def save_tick(self, tick: int) -> None: ...

    async def add_trades(self, trades: Iterable[PaperTrade]) -> None: ...

    async def save_balances(self, balances: Iterable[PaperBalance]) -> None: ...

    async def save_positions(self, positions: Iterable[PaperPosition]) -> None: ...


class LedgerStore(Protocol):
    """One account's ledger, opened for a transaction or for reading."""

    def transaction(self) -> AbstractAsyncContextManager[LedgerUpdate]: ...

    def snapshot(self) -> AbstractAsyncContextManager[LedgerView]: ...
