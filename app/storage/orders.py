"""OrderStore: orders in their current state."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import (
    ColumnElement,
    RowMapping,
    Select,
    bindparam,
    exists,
    func,
    insert,
    select,
    union,
    update,
)

from app.domain.fills import Fee
from app.domain.order_kinds import OrderSource
from app.domain.orders.filters import OrderFilter, OrderSort
from app.domain.orders.order import Order, OrderStatus
from app.domain.pages import Page, PageRequest
from app.errors import Refusal, StaleRevision
from app.storage import tables
from app.storage.engine.paging import Keyset
from app.storage.engine.sql import Sql, in_slices
from app.storage.order_terms import load_terms, terms_row

_columns = tables.orders.c
_FEES = TypeAdapter(tuple[Fee, ...])
_REFUSAL = TypeAdapter(Refusal)
_ORDERS = select(tables.orders, tables.order_metadata.c.value.label("metadata")).outerjoin(
    tables.order_metadata, tables.order_metadata.c.order_id == _columns.id
)
_UPDATE = update(tables.orders).where(
    _columns.id == bindparam("known_id"), _columns.revision == bindparam("known_revision")
)
_BY_ID = _ORDERS.where(_columns.id == bindparam("id"))
_OF_ACCOUNT = _ORDERS.where(_columns.account == bindparam("account"))
_BY_CLIENT_ID = _OF_ACCOUNT.where(_columns.client_order_id == bindparam("key"))
_BY_WIRE_ID = _OF_ACCOUNT.where(_columns.wire_id == bindparam("key"))
_BY_EXCHANGE_ID = _OF_ACCOUNT.where(
    _columns.symbol == bindparam("symbol"), _columns.exchange_order_id == bindparam("key")
)
_SORTS = {
    OrderSort.CREATED_AT_ASC: (_columns.created_at, False),
    OrderSort.CREATED_AT_DESC: (_columns.created_at, True),
    OrderSort.UPDATED_AT_ASC: (_columns.updated_at, False),
    OrderSort.UPDATED_AT_DESC: (_columns.updated_at, True),
}


class OrderStore:
    """One row per order; an update names the revision that it started from."""

    def __init__(self, sql: Sql) -> None:
        self._sql = sql

    async def insert(self, order: Order, fingerprint: str) -> None:
        """Raises Duplicate if the account has this client order id or wire id already."""
        row = _row(order) | {"fingerprint": fingerprint}
        await self._sql.run(insert(tables.orders), row)
        if order.metadata:
            await self._insert_metadata(order)

    async def update(self, order: Order, *, from_revision: int) -> None:
        """Raises StaleRevision if the order has another revision by now."""
        row = {name: value for name, value in _row(order).items() if name not in _FIXED}
        row |= {"known_id": order.id, "known_revision": from_revision}
        if not await self._sql.run(_UPDATE, row):
            raise StaleRevision(f"order {order.id} is no longer at revision {from_revision}")

    async def set_metadata(self, order: Order) -> None:
        found = tables.order_metadata.c.order_id == order.id
        changed = update(tables.order_metadata).where(found).values(value=dict(order.metadata))
        if not await self._sql.run(changed):
            await self._insert_metadata(order)

    async def _insert_metadata(self, order: Order) -> None:
        row = {"order_id": order.id, "value": dict(order.metadata)}
        await self._sql.run(insert(tables.order_metadata), row)

    async def find(self, order_id: str) -> Order | None:
        return await self._one(_BY_ID, id=order_id)

    async def find_by_client_id(self, account: str, client_order_id: str) -> Order | None:
        return await self._one(_BY_CLIENT_ID, account=account, key=client_order_id)

    async def find_by_wire_id(self, account: str, wire_id: str) -> Order | None:
        return await self._one(_BY_WIRE_ID, account=account, key=wire_id)

    async def find_by_exchange_id(
        self, account: str, symbol: str, exchange_order_id: str
    ) -> Order | None:
        values = {"account": account, "symbol": symbol, "key": exchange_order_id}
        return await self._one(_BY_EXCHANGE_ID, **values)

    async def fingerprint(self, order_id: str) -> str:
        stored = select(_columns.fingerprint).where(_columns.id == order_id)
        return str(await self._sql.scalar(stored))

    async def count(self, wanted: OrderFilter) -> int:
        counted = select(func.count()).select_from(tables.orders).where(*_conditions(wanted))
        return int(await self._sql.scalar(counted))

    async def page(self, wanted: OrderFilter, sort: OrderSort, request: PageRequest) -> Page[Order]:
        """A page of each account's orders, merged into one."""
        column, descending = _SORTS[sort]
        keyset = Keyset(column, _columns.id, descending=descending)
        pages = [
            await keyset.page(self._sql, _ORDERS.where(*_conditions(each)), request, _load)
            for each in wanted.by_account()
        ]
        return keyset.merged(pages, request, lambda order: (getattr(order, column.name), order.id))

    async def matching(self, wanted: OrderFilter) -> list[Order]:
        """All matching orders without paging, oldest first: meant for the few open ones."""
        found = _ORDERS.where(*_conditions(wanted))
        return await self._many(found.order_by(_columns.created_at, _columns.id))

    async def submitting(self, account: str) -> list[Order]:
        found = _ORDERS.where(
            _columns.account == account,
            _columns.is_open.is_(True),
            _columns.status == str(OrderStatus.SUBMITTING),
        )
        return await self._many(found.order_by(_columns.created_at, _columns.id))

    async def in_doubt(self, account: str) -> list[Order]:
        found = _ORDERS.where(
            _columns.account == account,
            _columns.is_open.is_(True),
            _columns.status == str(OrderStatus.IN_DOUBT),
        )
        return await self._many(found.order_by(_columns.created_at, _columns.id))

    async def doubts(self) -> dict[str, tuple[int, datetime]]:
        """Each account's number of orders in doubt, and when the oldest was placed."""
        oldest = func.min(_columns.created_at, type_=_columns.created_at.type)
        found = (
            select(_columns.account, func.count().label("count"), oldest.label("oldest"))
            .where(_columns.is_open.is_(True), _columns.status == str(OrderStatus.IN_DOUBT))
            .group_by(_columns.account)
        )
        rows = await self._sql.all(found)
        return {row["account"]: (row["count"], row["oldest"]) for row in rows}

    async def answered_open(self, account: str) -> list[Order]:
        """Orders that are open at the exchange, as far as we know."""
        found = _ORDERS.where(
            _columns.account == account,
            _columns.is_open.is_(True),
            _columns.status.in_([str(OrderStatus.OPEN), str(OrderStatus.PARTIALLY_FILLED)]),
        )
        return await self._many(found.order_by(_columns.created_at, _columns.id))

    async def guessed(self, account: str, *, changed_since: datetime) -> list[Order]:
        """Orders with a synthesized fill: their trades are known only as a total."""
        fills = tables.fills.c
        total = exists().where(
            fills.order_id == _columns.id,
            fills.exchange_trade_id.is_(None),
            fills.superseded_revision.is_(None),
        )
        found = _ORDERS.where(
            _columns.account == account, _columns.updated_at >= changed_since, total
        )
        return await self._many(found.order_by(_columns.created_at, _columns.id))

    async def symbols(self, account: str, *, changed_since: datetime) -> list[str]:
        """The markets in which the account has open orders or had recent changes."""
        of_account = select(_columns.symbol).where(_columns.account == account)
        found = union(
            of_account.where(_columns.is_open.is_(True)),
            of_account.where(_columns.updated_at >= changed_since),
        )
        # Sorted here, because the database would read an index in this order instead.
        return sorted(row["symbol"] for row in await self._sql.all(found))

    async def uncanceled(self, account: str) -> list[Order]:
        """Orders with a requested cancel that are still open at the exchange."""
        found = _ORDERS.where(
            _columns.account == account,
            _columns.is_open.is_(True),
            _columns.cancel_requested_at.is_not(None),
            _columns.status.in_([str(OrderStatus.OPEN), str(OrderStatus.PARTIALLY_FILLED)]),
        )
        return await self._many(found)

    async def _one(self, prepared: Select[Any], **values: str) -> Order | None:
        row = await self._sql.first(prepared, values)
        return None if row is None else _load(row)

    async def _many(self, statement: Select[Any]) -> list[Order]:
        return await in_slices(await self._sql.all(statement), _load)


def _conditions(wanted: OrderFilter) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    among = (
        (_columns.account, wanted.accounts),
        (_columns.symbol, wanted.symbols),
        (_columns.status, wanted.statuses),
        (_columns.type, wanted.types),
        (_columns.source, wanted.sources),
        (_columns.client_order_id, wanted.client_order_ids),
    )
    conditions.extend(
        column.in_(sorted(str(value) for value in values))
        for column, values in among
        if values is not None
    )
    if wanted.open is not None:
        conditions.append(_columns.is_open.is_(wanted.open))
    if wanted.side is not None:
        conditions.append(_columns.side == str(wanted.side))
    if wanted.strategy is not None:
        conditions.append(_columns.strategy == wanted.strategy)
    if wanted.position_type is not None:
        conditions.append(_columns.position_type == str(wanted.position_type))
    if wanted.created_after is not None:
        conditions.append(_columns.created_at >= wanted.created_after)
    if wanted.created_before is not None:
        conditions.append(_columns.created_at < wanted.created_before)
    return conditions


_PLAIN = (
    "id", "account", "client_order_id", "wire_id", "exchange_order_id", "symbol", "amendments",
    "filled", "cost", "reported_filled", "reported_cost", "exchange_type", "strategy",
    "cancel_requested_at", "created_at", "updated_at", "closed_at", "revision",
)  # fmt: skip
_ENUMS = {"status": OrderStatus, "source": OrderSource}
# What no change of an order changes: writing it again would write its indexes again.
_FIXED = frozenset(
    {
        "id", "account", "client_order_id", "wire_id", "symbol", "side", "type", "time_in_force",
        "reduce_only", "position_type", "leverage", "source", "exchange_type", "strategy",
        "created_at",
    }
)  # fmt: skip


def _row(order: Order) -> dict[str, Any]:
    return {
        **{name: getattr(order, name) for name in _PLAIN},
        **{name: str(getattr(order, name)) for name in _ENUMS},
        **terms_row(order.terms),
        "is_open": order.is_open,
        "fees": _FEES.dump_python(order.fees, mode="json"),
        "refusal": None if order.refusal is None else asdict(order.refusal),
    }


def _load(row: RowMapping) -> Order:
    values: dict[str, Any] = {name: row[name] for name in _PLAIN}
    values |= {name: kind(row[name]) for name, kind in _ENUMS.items()}
    fees: Sequence[Any] = row["fees"]
    return Order(
        **values,
        terms=load_terms(row),
        metadata=row["metadata"] or {},
        fees=_FEES.validate_python(fees),
        refusal=None if row["refusal"] is None else _REFUSAL.validate_python(row["refusal"]),
    )
