"""PaperLedger: one paper account's orders, trades, balances and positions in the database."""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import asdict, fields
from datetime import datetime
from decimal import Decimal
from typing import Any, Protocol

from pydantic import TypeAdapter
from sqlalchemy import BindParameter, RowMapping, Select, bindparam, func, insert, select, update

from app.domain import money
from app.domain.fills import Fee
from app.domain.orders.order import OrderStatus
from app.domain.paper_ledger import (
    PaperBalance,
    PaperNumbers,
    PaperOrder,
    PaperPosition,
    PaperTrade,
)
from app.domain.portfolio.positions import Holding
from app.errors import Refusal
from app.storage import tables
from app.storage.engine.sql import Sql
from app.storage.order_terms import load_terms, terms_row

_accounts = tables.accounts.c
_balances = tables.paper_balances.c
_orders = tables.paper_orders.c
_trades = tables.paper_trades.c
_books = tables.paper_books.c
_positions = tables.paper_positions.c
_AMOUNTS = ("free", "used", "short", "written_off")
_HOLDING = tuple(field.name for field in fields(Holding))
_PLAIN = (
    "number", "wire_id", "symbol", "is_liquidation", "triggered_at", "amendments", "filled",
    "reserved", "change", "created_at", "updated_at",
)  # fmt: skip
_OPEN = (str(OrderStatus.OPEN), str(OrderStatus.PARTIALLY_FILLED))
_REFUSAL = TypeAdapter(Refusal)

# Built once: building a statement takes longer than running it.
_ACCOUNT: BindParameter[str] = bindparam("account")
_BALANCES = (
    select(tables.paper_balances).where(_balances.account == _ACCOUNT).order_by(_balances.asset)
)
_LOCKED_BALANCES = _BALANCES.with_for_update()
_SAVE_BALANCE = (
    update(tables.paper_balances)
    .where(_balances.account == bindparam("of_account"), _balances.asset == bindparam("of_asset"))
    .values({name: bindparam(name) for name in _AMOUNTS})
)
_LAST_ORDER = select(func.max(_orders.number)).where(_orders.account == _ACCOUNT)
_LAST_TRADE = select(func.max(_trades.number)).where(_trades.account == _ACCOUNT)
_LAST_CHANGE = select(func.max(_orders.change)).where(_orders.account == _ACCOUNT)
_LAST_TICK = select(_books.tick).where(_books.account == _ACCOUNT)
_LAST_NUMBERS = select(
    _LAST_ORDER.scalar_subquery().label("order"),
    _LAST_TRADE.scalar_subquery().label("trade"),
    _LAST_CHANGE.scalar_subquery().label("change"),
    _LAST_TICK.scalar_subquery().label("tick"),
)
_SAVE_TICK = (
    update(tables.paper_books)
    .where(_books.account == bindparam("of_account"))
    .values(tick=bindparam("tick"))
)
_OF_ACCOUNT = select(tables.paper_orders).where(_orders.account == _ACCOUNT)
_BY_NUMBER = _OF_ACCOUNT.where(_orders.number == bindparam("key"))
_BY_WIRE_ID = _OF_ACCOUNT.where(_orders.wire_id == bindparam("key"))
_CHANGED = _OF_ACCOUNT.where(_orders.change > bindparam("key")).order_by(_orders.change)
# Sorted by us: for an ORDER BY, SQLite would read all orders by their numbers instead.
_WAITING = _OF_ACCOUNT.where(_orders.status.in_(_OPEN))
_LIQUIDATIONS = _OF_ACCOUNT.where(_orders.is_liquidation, _orders.updated_at >= bindparam("key"))
_OF_ORDER = select(tables.paper_trades).where(
    _trades.account == _ACCOUNT, _trades.order_number == bindparam("key")
)
_POSITIONS = (
    select(tables.paper_positions).where(_positions.account == _ACCOUNT).order_by(_positions.symbol)
)
_SAVE_ORDER = update(tables.paper_orders).where(
    _orders.account == bindparam("of_account"), _orders.number == bindparam("of_number")
)


class PaperLedger:
    """The ledger of one paper account, within a transaction or snapshot."""

    def __init__(self, sql: Sql, account: str) -> None:
        self._sql = sql
        self._account = account

    async def deposit(self, amounts: Mapping[str, Decimal]) -> None:
        """Deposit, once in the account's life; an asset that is added later begins at zero."""
        # A process that starts at the same moment waits here, and then finds the deposit made.
        mine = select(_accounts.name).where(_accounts.name == self._account)
        await self._sql.first(mine.with_for_update(key_share=True))
        known = await self.balances()
        missing = [
            {
                "account": self._account,
                "asset": asset,
                "free": money.ZERO if known else amount,
                "used": money.ZERO,
            }
            for asset, amount in amounts.items()
            if asset not in known
        ]
        if missing:
            await self._sql.run(insert(tables.paper_balances), missing)
        if await self._sql.scalar(_LAST_TICK, {"account": self._account}) is None:
            opened = {"account": self._account, "tick": 0}
            await self._sql.run(insert(tables.paper_books), opened)

    async def lock_balances(self) -> Mapping[str, PaperBalance]:
        """The balances; every other writer of this ledger waits until the commit."""
        return _by_asset(await self._sql.all(_LOCKED_BALANCES, {"account": self._account}))

    async def balances(self) -> Mapping[str, PaperBalance]:
        return _by_asset(await self._sql.all(_BALANCES, {"account": self._account}))

    async def last_numbers(self) -> PaperNumbers:
        row = await self._sql.first(_LAST_NUMBERS, {"account": self._account})
        assert row is not None  # noqa: S101 - a select without a table has one row
        names = ("order", "trade", "change", "tick")
        return PaperNumbers(**{name: row[name] or 0 for name in names})

    async def find_order(self, number: int) -> PaperOrder | None:
        return await self._first(_BY_NUMBER, number)

    async def find_order_by_wire_id(self, wire_id: str) -> PaperOrder | None:
        return await self._first(_BY_WIRE_ID, wire_id)

    async def open_orders(self) -> Sequence[PaperOrder]:
        return await self._by_number(_WAITING, {"account": self._account})

    async def changed_orders(self, since: int) -> Sequence[PaperOrder]:
        """Orders that are or were open, with a change after this one."""
        rows = await self._sql.all(_CHANGED, {"account": self._account, "key": since})
        return [_order(row) for row in rows]

    async def trades(self, order_number: int) -> Sequence[PaperTrade]:
        rows = await self._sql.all(_OF_ORDER, {"account": self._account, "key": order_number})
        return sorted(map(_trade, rows), key=lambda trade: trade.number)

    async def add_order(self, order: PaperOrder) -> None:
        await self._sql.run(insert(tables.paper_orders), self._order_row(order))

    async def save_orders(self, orders: Iterable[PaperOrder]) -> None:
        rows = [
            self._order_row(order) | {"of_account": self._account, "of_number": order.number}
            for order in orders
        ]
        if rows:
            await self._sql.run(_SAVE_ORDER, rows)

    async def save_tick(self, tick: int) -> None:
        await self._sql.run(_SAVE_TICK, {"of_account": self._account, "tick": tick})

    async def add_trades(self, trades: Iterable[PaperTrade]) -> None:
        rows = [self._trade_row(trade) for trade in trades]
        if rows:
            await self._sql.run(insert(tables.paper_trades), rows)

    async def save_balances(self, balances: Iterable[PaperBalance]) -> None:
        rows = [
            {
                "of_account": self._account,
                "of_asset": balance.asset,
                **{name: getattr(balance, name) for name in _AMOUNTS},
            }
            for balance in balances
        ]
        if rows:
            await self._sql.run(_SAVE_BALANCE, rows)

    async def positions(self) -> Sequence[PaperPosition]:
        """The margin positions, including flat ones."""
        rows = await self._sql.all(_POSITIONS, {"account": self._account})
        return [_position(row) for row in rows]

    async def liquidations(self, since: datetime) -> Sequence[PaperOrder]:
        """The exchange's own orders (liquidations) that have closed since then."""
        return await self._by_number(_LIQUIDATIONS, {"account": self._account, "key": since})

    async def save_positions(self, positions: Iterable[PaperPosition]) -> None:
        for position in positions:
            row = self._position_row(position)
            mine = _positions.account == self._account, _positions.symbol == position.symbol
            if not await self._sql.run(update(tables.paper_positions).where(*mine).values(**row)):
                await self._sql.run(insert(tables.paper_positions), row)

    async def _by_number(
        self, prepared: Select[Any], values: Mapping[str, Any]
    ) -> Sequence[PaperOrder]:
        rows = await self._sql.all(prepared, values)
        return sorted(map(_order, rows), key=lambda order: order.number)

    async def _first(self, prepared: Select[Any], key: int | str) -> PaperOrder | None:
        row = await self._sql.first(prepared, {"account": self._account, "key": key})
        return None if row is None else _order(row)

    def _order_row(self, order: PaperOrder) -> dict[str, Any]:
        return {
            "account": self._account,
            **{name: getattr(order, name) for name in _PLAIN},
            **terms_row(order.terms),
            "status": str(order.status),
            "refusal": None if order.refusal is None else asdict(order.refusal),
        }

    def _position_row(self, position: PaperPosition) -> dict[str, Any]:
        return {
            "account": self._account,
            "symbol": position.symbol,
            **{name: getattr(position.holding, name) for name in _HOLDING},
            "leverage": position.leverage,
            "change": position.change,
        }

    def _trade_row(self, trade: PaperTrade) -> dict[str, Any]:
        return {
            "account": self._account,
            "number": trade.number,
            "order_number": trade.order_number,
            "price": trade.price,
            "amount": trade.amount,
            "fee_currency": trade.fee.currency,
            "fee_amount": trade.fee.amount,
            "is_maker": trade.is_maker,
            "at": trade.at,
        }


class PaperStore:
    """The ledgers of all paper accounts."""

    def __init__(self, sql: Sql) -> None:
        self._sql = sql

    def of(self, account: str) -> PaperLedger:
        return PaperLedger(self._sql, account)


class _HasPaper(Protocol):
    @property
    def paper(self) -> PaperStore: ...


class _Database(Protocol):
    def transaction(self) -> AbstractAsyncContextManager[_HasPaper]: ...

    def snapshot(self) -> AbstractAsyncContextManager[_HasPaper]: ...


class PaperLedgers:
    """One account's ledger, opened for a transaction or for reading."""

    def __init__(self, database: _Database, account: str) -> None:
        self._database = database
        self._account = account

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[PaperLedger]:
        async with self._database.transaction() as transaction:
            yield transaction.paper.of(self._account)

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[PaperLedger]:
        async with self._database.snapshot() as snapshot:
            yield snapshot.paper.of(self._account)


def _by_asset(rows: Iterable[RowMapping]) -> Mapping[str, PaperBalance]:
    return {
        row["asset"]: PaperBalance(asset=row["asset"], **{name: row[name] for name in _AMOUNTS})
        for row in rows
    }


def _position(row: RowMapping) -> PaperPosition:
    return PaperPosition(
        symbol=row["symbol"],
        holding=Holding(**{name: row[name] for name in _HOLDING}),
        leverage=row["leverage"],
        change=row["change"],
    )


def _order(row: RowMapping) -> PaperOrder:
    return PaperOrder(
        **{name: row[name] for name in _PLAIN},
        terms=load_terms(row),
        status=OrderStatus(row["status"]),
        refusal=None if row["refusal"] is None else _REFUSAL.validate_python(row["refusal"]),
    )


def _trade(row: RowMapping) -> PaperTrade:
    return PaperTrade(
        number=row["number"],
        order_number=row["order_number"],
        price=row["price"],
        amount=row["amount"],
        fee=Fee(currency=row["fee_currency"], amount=row["fee_amount"]),
        is_maker=row["is_maker"],
        at=row["at"],
    )
