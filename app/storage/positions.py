"""PositionStore: positions, computed from fills, and the round trips traded."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    ColumnElement,
    RowMapping,
    Select,
    Table,
    and_,
    delete,
    insert,
    literal,
    select,
    tuple_,
    update,
)

from app.domain import money
from app.domain.fills import Fill
from app.domain.order_kinds import PositionType
from app.domain.portfolio.positions import (
    Holding,
    Position,
    PositionKey,
    RoundTrip,
    RoundTripResult,
)
from app.storage import tables
from app.storage.engine.sql import Sql, in_slices
from app.storage.fills import current_fills_of, load_fill, traded_keys

_columns = tables.positions.c
_rounds = tables.position_rounds.c
BATCH = 2000
_checkpoints = tables.position_checkpoints.c
_COUNTS = ("fills", "unvalued_fees", "updated_at")
_HOLDING = ("amount", "basis", "realized", "fees", "opened_at", "realized_before")


class PositionStore:
    """One row per position, also when closed; one row per round trip."""

    def __init__(self, sql: Sql, *, batch: int = BATCH) -> None:
        self._sql = sql
        self._batch = batch

    async def find(self, key: PositionKey) -> Position | None:
        row = await self._sql.first(select(tables.positions).where(_key_matches(key)))
        return None if row is None else _load(row)

    async def lock(self, key: PositionKey) -> Position | None:
        """Find a position and keep others from changing it until the transaction ends."""
        found = select(tables.positions).where(_key_matches(key))
        if self._sql.dialect == "postgresql":
            found = found.with_for_update()
        row = await self._sql.first(found)
        return None if row is None else _load(row)

    async def all(self, accounts: frozenset[str]) -> Sequence[Position]:
        """Open and closed positions, sorted by account and symbol."""
        found = select(tables.positions).where(_columns.account.in_(sorted(accounts)))
        ordered = found.order_by(_columns.account, _columns.symbol, _columns.type)
        return await in_slices(await self._sql.all(ordered), _load)

    async def save(self, position: Position) -> None:
        row = _row(position)
        if not await self._sql.run(
            update(tables.positions).where(_key_matches(position.key)).values(**row)
        ):
            await self._sql.run(insert(tables.positions), row)

    async def fills(self, key: PositionKey, *, after: str | None, limit: int) -> Sequence[Fill]:
        """The position's next fills after this one, in the order in which they were booked."""
        found = current_fills_of(key).where(tables.fills.c.id > (after or "")).limit(limit)
        return [load_fill(row) for row in await self._sql.all(found)]

    async def unvalued(self) -> Sequence[PositionKey]:
        """Positions with fees whose value is not known yet."""
        rows = await self._sql.all(select(tables.positions).where(_columns.unvalued_fees > 0))
        return [_load(row).key for row in rows]

    async def unkept(self) -> Sequence[PositionKey]:
        """The keys of all fills, if no position is stored at all yet; otherwise empty."""
        if await self._sql.first(select(_columns.account).limit(1)) is not None:
            return []
        rows = await self._sql.all(traded_keys())
        return [
            PositionKey(
                account=row["account"],
                symbol=row["symbol"],
                type=PositionType(row["position_type"]),
            )
            for row in rows
        ]

    async def add_rounds(self, key: PositionKey, rounds: Iterable[RoundTrip]) -> None:
        rows = [{**_key_columns(key), **_values(round_trip)} for round_trip in rounds]
        if rows:
            await self._sql.run(insert(tables.position_rounds), rows)

    async def forget_rounds(self, key: PositionKey, *, after: str | None) -> None:
        """Delete the round trips that ended after this fill; without a fill, all of them."""
        doomed = delete(tables.position_rounds).where(_matches(tables.position_rounds, key))
        if after is not None:
            doomed = doomed.where(_rounds.ended_by > after)
        await self._sql.run(doomed)

    async def has_nameless_rounds(self, key: PositionKey) -> bool:
        """Whether there are round trips of which nobody knows which fill ended them."""
        found = select(_rounds.id).where(_matches(tables.position_rounds, key))
        row = await self._sql.first(found.where(_rounds.ended_by.is_(None)).limit(1))
        return row is not None

    async def round_of(self, key: PositionKey, fill_id: str) -> RoundTrip | None:
        """The round trip that a fill is part of; None if that is still open."""
        found = select(tables.position_rounds).where(
            _matches(tables.position_rounds, key), _rounds.ended_by >= fill_id
        )
        row = await self._sql.first(found.order_by(_rounds.ended_by).limit(1))
        return None if row is None else _load_round(row)

    async def charge_round(self, key: PositionKey, ended_by: str, fee: Decimal) -> None:
        """Subtract a fee from the profit of a round trip."""
        mine = _matches(tables.position_rounds, key), _rounds.ended_by == ended_by
        pnl = await self._sql.scalar(select(_rounds.pnl).where(*mine))
        less = update(tables.position_rounds).where(*mine).values(pnl=money.subtract(pnl, fee))
        await self._sql.run(less)

    async def checkpoint_before(self, key: PositionKey, fill_id: str) -> Position | None:
        """The latest checkpoint without this fill and those after it."""
        found = _checkpoints_of(key).where(_checkpoints.last_fill < fill_id)
        row = await self._sql.first(found.order_by(_checkpoints.last_fill.desc()).limit(1))
        return None if row is None else _load_checkpoint(row)

    async def checkpoints_since(self, key: PositionKey, fill_id: str) -> Sequence[Position]:
        """The checkpoints that contain this fill."""
        found = _checkpoints_of(key).where(_checkpoints.last_fill >= fill_id)
        return [_load_checkpoint(row) for row in await self._sql.all(found)]

    async def save_checkpoint(self, position: Position) -> None:
        row = {**_numbers(position), "last_fill": position.last_fill}
        mine = and_(
            _matches(tables.position_checkpoints, position.key),
            _checkpoints.last_fill == position.last_fill,
        )
        if not await self._sql.run(update(tables.position_checkpoints).where(mine).values(row)):
            added = {**_key_columns(position.key), **row}
            await self._sql.run(insert(tables.position_checkpoints), added)

    async def forget_checkpoints(self, key: PositionKey, *, since: str) -> None:
        """Delete the checkpoints that contain this fill."""
        doomed = _matches(tables.position_checkpoints, key), _checkpoints.last_fill >= since
        await self._sql.run(delete(tables.position_checkpoints).where(*doomed))

    async def keep_checkpoints(self, key: PositionKey, count: int) -> None:
        """Delete all but the newest ones."""
        newest = select(_checkpoints.last_fill).where(_matches(tables.position_checkpoints, key))
        oldest_kept = await self._sql.scalar(
            newest.order_by(_checkpoints.last_fill.desc()).offset(count - 1).limit(1)
        )
        if oldest_kept is not None:
            doomed = (
                _matches(tables.position_checkpoints, key),
                _checkpoints.last_fill < oldest_kept,
            )
            await self._sql.run(delete(tables.position_checkpoints).where(*doomed))

    async def rounds(self, account: str, *, since: datetime | None = None) -> Sequence[RoundTrip]:
        """Round trips that closed since then, in the order in which they closed."""
        found = select(tables.position_rounds).where(_rounds.account == account)
        if since is not None:
            found = found.where(_rounds.closed_at >= since)
        rows = await self._sql.all(found.order_by(_rounds.closed_at, _rounds.id))
        return await in_slices(rows, _load_round)

    async def results(
        self, account: str, *, since: datetime | None = None
    ) -> Sequence[RoundTripResult]:
        """Symbol and profit of each round trip that closed since then."""
        found = select(_rounds.symbol, _rounds.pnl, _rounds.closed_at, _rounds.id).where(
            _rounds.account == account
        )
        if since is not None:
            found = found.where(_rounds.closed_at >= since)
        ordered = found.order_by(_rounds.closed_at, _rounds.id).limit(self._batch)
        results: list[RoundTripResult] = []
        rows = await self._sql.all(ordered)
        while rows:
            results += await in_slices(rows, _load_result)
            last = tuple_(literal(rows[-1]["closed_at"], _rounds.closed_at.type), rows[-1]["id"])
            behind = tuple_(_rounds.closed_at, _rounds.id) > last
            rows = await self._sql.all(ordered.where(behind)) if len(rows) == self._batch else []
        return results


def _key_matches(key: PositionKey) -> ColumnElement[bool]:
    return _matches(tables.positions, key)


def _matches(table: Table, key: PositionKey) -> ColumnElement[bool]:
    return and_(*(table.c[name] == value for name, value in _key_columns(key).items()))


def _checkpoints_of(key: PositionKey) -> Select[Any]:
    return select(tables.position_checkpoints).where(_matches(tables.position_checkpoints, key))


def _key_columns(key: PositionKey) -> dict[str, str]:
    return {"account": key.account, "symbol": key.symbol, "type": str(key.type)}


def _values(trip: RoundTrip) -> dict[str, Any]:
    return {
        "opened_at": trip.opened_at,
        "closed_at": trip.closed_at,
        "pnl": trip.pnl,
        "ended_by": trip.ended_by,
    }


def _row(position: Position) -> dict[str, Any]:
    return {
        **_key_columns(position.key),
        **_numbers(position),
        "last_fill": position.last_fill,
        "metadata": dict(position.metadata),
    }


def _numbers(position: Position) -> dict[str, Any]:
    return {
        **{name: getattr(position.holding, name) for name in _HOLDING},
        **{name: getattr(position, name) for name in _COUNTS},
    }


def _load(row: RowMapping) -> Position:
    return replace(_load_checkpoint(row), metadata=row["metadata"])


def _load_checkpoint(row: RowMapping) -> Position:
    return Position(
        key=PositionKey(
            account=row["account"], symbol=row["symbol"], type=PositionType(row["type"])
        ),
        holding=Holding(**{name: row[name] for name in _HOLDING}),
        last_fill=row["last_fill"],
        **{name: row[name] for name in _COUNTS},
    )


def _load_result(row: RowMapping) -> RoundTripResult:
    return RoundTripResult(symbol=row["symbol"], pnl=row["pnl"])


def _load_round(row: RowMapping) -> RoundTrip:
    return RoundTrip(**{name: row[name] for name in ("opened_at", "closed_at", "pnl", "ended_by")})
