"""FillStore: fills, including synthesized ones that real trades have superseded."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, RowMapping, Select, exists, func, insert, or_, select, update

from app.domain.fills import Fee, Fill
from app.domain.order_kinds import OrderSide
from app.domain.orders.filters import FillFilter
from app.domain.pages import Page, PageRequest
from app.domain.portfolio.positions import PositionKey, fee_value
from app.storage import tables
from app.storage.engine.paging import Keyset
from app.storage.engine.sql import Sql

_columns = tables.fills.c


@dataclass(frozen=True, kw_only=True, slots=True)
class FillState:
    """A fingerprint of a set of fills: it changes with every fill added, corrected or valued."""

    count: int
    last_id: str | None
    fee_values: int
    fee_revisions: int


_NO_FILLS = FillState(count=0, last_id=None, fee_values=0, fee_revisions=0)


class FillStore:
    """One row per fill: unique by account, symbol, side and the exchange's trade id."""

    def __init__(self, sql: Sql) -> None:
        self._sql = sql

    async def insert(self, fills: Sequence[Fill]) -> None:
        await self._sql.run(insert(tables.fills), [_row(fill) for fill in fills])

    async def supersede(self, fill_id: str, *, at_revision: int) -> None:
        found = _columns.id == fill_id
        changed = update(tables.fills).where(found).values(superseded_revision=at_revision)
        await self._sql.run(changed)

    async def correct_fee(self, fill: Fill) -> None:
        """Store the fill's fee in place of the one that it was booked with."""
        row = _row(fill)
        changed = {name: row[name] for name in _OF_FEE}
        await self._sql.run(update(tables.fills).where(_columns.id == fill.id).values(changed))

    async def value_fee(self, fill_id: str, value: Decimal) -> bool:
        """Set the value of a fee in a third currency; returns False if it is set already."""
        found = _columns.id == fill_id, _columns.awaits_fee_value.is_(True), _is_current()
        valued = {"fee_value": value, "awaits_fee_value": False}
        return await self._sql.run(update(tables.fills).where(*found).values(valued)) == 1

    async def awaiting_value(self, key: PositionKey, *, after: str, limit: int) -> list[Fill]:
        """A position's fills whose fee has no value in quote yet, in the order of booking."""
        found = current_fills_of(key).where(
            _columns.awaits_fee_value.is_(True), _columns.id > after
        )
        return [load_fill(row) for row in await self._sql.all(found.limit(limit))]

    async def find(self, fill_id: str) -> Fill | None:
        row = await self._sql.first(
            select(tables.fills).where(_columns.id == fill_id, _is_current())
        )
        return None if row is None else load_fill(row)

    async def of_order(self, order_id: str) -> list[Fill]:
        """The order's current fills, in the order in which they were booked."""
        found = select(tables.fills).where(_columns.order_id == order_id, _is_current())
        rows = await self._sql.all(found.order_by(_columns.revision))
        return [load_fill(row) for row in rows]

    async def behind(
        self, key: PositionKey, until: datetime, *, after: str, limit: int
    ) -> list[Fill]:
        """A position's fills before a time, in the order in which they were booked."""
        found = current_fills_of(key).where(_columns.at < until, _columns.id > after)
        return [load_fill(row) for row in await self._sql.all(found.limit(limit))]

    async def state_behind(self, key: PositionKey, until: datetime) -> FillState:
        """The state of a market's fills before a time: differs after any change to them."""
        found = select(
            func.count(_columns.id).label("count"),
            func.max(_columns.id).label("last_id"),
            func.count(_columns.fee_value).label("fee_values"),
            func.coalesce(func.sum(_columns.fee_revision), 0).label("fee_revisions"),
        ).where(
            _columns.account == key.account,
            _columns.symbol == key.symbol,
            _columns.at < until,
            _is_current(),
        )
        row = await self._sql.first(found)
        return FillState(**row) if row else _NO_FILLS

    async def page(self, wanted: FillFilter, request: PageRequest) -> Page[Fill]:
        """A page of each account's fills, merged into one; an order's fills come oldest first."""
        newest_first = wanted.order_id is None
        keyset = Keyset(_columns.at, _columns.id, descending=newest_first)
        pages = [
            await keyset.page(
                self._sql, select(tables.fills).where(*_conditions(each)), request, load_fill
            )
            for each in (wanted.by_account() if newest_first else [wanted])
        ]
        return keyset.merged(pages, request, lambda fill: (fill.at, fill.id))


def current_fills_of(key: PositionKey) -> Select[Any]:
    """The current fills of a position, in the order in which they were booked."""
    orders = tables.orders.c
    found = select(tables.fills).join(tables.orders, orders.id == _columns.order_id)
    return found.where(
        _columns.account == key.account,
        _columns.symbol == key.symbol,
        orders.position_type == str(key.type),
        _is_current(),
    ).order_by(_columns.id)


def traded_keys() -> Select[Any]:
    """Every account, symbol and position type that has fills."""
    orders = tables.orders.c
    found = select(_columns.account, _columns.symbol, orders.position_type)
    return found.join(tables.orders, orders.id == _columns.order_id).distinct()


def _is_current() -> ColumnElement[bool]:
    return _columns.superseded_revision.is_(None)


def _conditions(wanted: FillFilter) -> list[ColumnElement[bool]]:
    conditions = [_is_current()]
    if wanted.at_revision is not None:
        gone_later = _columns.superseded_revision > wanted.at_revision
        conditions = [_columns.revision <= wanted.at_revision, or_(_is_current(), gone_later)]
    if wanted.order_id is not None:
        conditions.append(_columns.order_id == wanted.order_id)
    if wanted.accounts is not None:
        conditions.append(_columns.account.in_(sorted(wanted.accounts)))
    if wanted.symbols is not None:
        conditions.append(_columns.symbol.in_(sorted(wanted.symbols)))
    if wanted.side is not None:
        conditions.append(_columns.side == str(wanted.side))
    if wanted.sources is not None or wanted.strategy is not None:
        conditions.append(_is_of_an_order(wanted))
    if wanted.since is not None:
        conditions.append(_columns.at >= wanted.since)
    if wanted.until is not None:
        conditions.append(_columns.at < wanted.until)
    return conditions


def _is_of_an_order(wanted: FillFilter) -> ColumnElement[bool]:
    orders = tables.orders.c
    conditions = [orders.id == _columns.order_id]
    if wanted.sources is not None:
        conditions.append(orders.source.in_(sorted(map(str, wanted.sources))))
    if wanted.strategy is not None:
        conditions.append(orders.strategy == wanted.strategy)
    return exists().where(*conditions)


_PLAIN = (
    "id", "order_id", "account", "exchange_trade_id", "symbol", "price", "amount", "cost",
    "is_maker", "at", "revision", "superseded_revision", "fee_value", "fee_revision",
)  # fmt: skip
_OF_FEE = ("fee_currency", "fee_amount", "fee_value", "awaits_fee_value", "fee_revision")


def _row(fill: Fill) -> dict[str, Any]:
    return {
        **{name: getattr(fill, name) for name in _PLAIN},
        "side": str(fill.side),
        "fee_currency": None if fill.fee is None else fill.fee.currency,
        "fee_amount": None if fill.fee is None else fill.fee.amount,
        "awaits_fee_value": fee_value(fill) is None,
    }


def load_fill(row: RowMapping) -> Fill:
    values: dict[str, Any] = {name: row[name] for name in _PLAIN}
    has_fee = row["fee_currency"] is not None
    fee = Fee(currency=row["fee_currency"], amount=row["fee_amount"]) if has_fee else None
    return Fill(**values, side=OrderSide(row["side"]), fee=fee)
