"""What the paper exchange asks of its books: one account's, durable, changed by one at a time."""

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
    """The books as they are at one instant."""

    async def balances(self) -> Mapping[str, PaperBalance]: ...

    async def find_order(self, number: int) -> PaperOrder | None: ...

    async def find_order_by_wire_id(self, wire_id: str) -> PaperOrder | None: ...

    async def last_numbers(self) -> PaperNumbers: ...

    async def open_orders(self) -> Sequence[PaperOrder]: ...

    async def changed_orders(self, since: int) -> Sequence[PaperOrder]:
        """Orders that wait or have waited, with a change after this one."""
        ...

    async def positions(self) -> Sequence[PaperPosition]:
        """Those on margin, flat ones too."""
        ...

    async def liquidations(self, since: datetime) -> Sequence[PaperOrder]:
        """The exchange's own orders that have closed since then."""
        ...

    async def trades(self, order_number: int) -> Sequence[PaperTrade]: ...


class LedgerUpdate(LedgerView, Protocol):
    """The books, to be changed together or not at all."""

    async def deposit(self, amounts: Mapping[str, Decimal]) -> None:
        """Pay in, once in the life of the account; an asset that comes later begins at zero."""
        ...

    async def hold(self) -> Mapping[str, PaperBalance]:
        """The balances, with every other writer of these books kept waiting until the commit."""
        ...

    async def add_order(self, order: PaperOrder) -> None: ...

    async def save_orders(self, orders: Iterable[PaperOrder]) -> None: ...

    async def save_tick(self, tick: int) -> None: ...

    async def add_trades(self, trades: Iterable[PaperTrade]) -> None: ...

    async def save_balances(self, balances: Iterable[PaperBalance]) -> None: ...

    async def save_positions(self, positions: Iterable[PaperPosition]) -> None: ...


class LedgerStore(Protocol):
    """One account's books, opened for a change or for a look."""

    def transaction(self) -> AbstractAsyncContextManager[LedgerUpdate]: ...

    def snapshot(self) -> AbstractAsyncContextManager[LedgerView]: ...
