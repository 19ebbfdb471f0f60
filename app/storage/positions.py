"""PositionStore: positions, computed from fills, and the round trips traded."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, RowMapping, and_, delete, insert, select, update

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
from app.storage.engine.sql import Sql
from app.storage.fills import current_fills_of, load_fill, traded_keys

_columns = tables.positions.c
_rounds = tables.position_rounds.c
_HOLDING = ("amount", "basis", "realized", "fees", "opened_at", "realized_before")


class PositionStore:
    """One row per position, also when closed; one row per round trip."""

    def __init__(self, sql: Sql) -> None:
        self._sql = sql

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
        return [_load(row) for row in await self._sql.all(ordered)]

    async def save(self, position: Position) -> None:
        row = _row(position)
        if not await self._sql.run(
            update(tables.positions).where(_key_matches(position.key)).values(**row)
        ):
            await self._sql.run(insert(tables.positions), row)

    async def fills(self, key: PositionKey) -> Sequence[Fill]:
        """The position's fills, in the order in which they were booked."""
        return [load_fill(row) for row in await self._sql.all(current_fills_of(key))]

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

    async def forget_rounds(self, key: PositionKey) -> None:
        found = and_(*(_rounds[name] == value for name, value in _key_columns(key).items()))
        await self._sql.run(delete(tables.position_rounds).where(found))

    async def rounds(self, account: str, *, since: datetime | None = None) -> Sequence[RoundTrip]:
        """Round trips that closed since then, in the order in which they closed."""
        found = select(tables.position_rounds).where(_rounds.account == account)
        if since is not None:
            found = found.where(_rounds.closed_at >= since)
        rows = await self._sql.all(found.order_by(_rounds.closed_at))
        return [
            RoundTrip(opened_at=row["opened_at"], closed_at=row["closed_at"], pnl=row["pnl"])
            for row in rows
        ]

    async def results(
        self, account: str, *, since: datetime | None = None
    ) -> Sequence[RoundTripResult]:
        """Symbol and profit of each round trip that closed since then."""
        found = select(_rounds.symbol, _rounds.pnl).where(_rounds.account == account)
        if since is not None:
            found = found.where(_rounds.closed_at >= since)
        rows = await self._sql.all(found)
        return [RoundTripResult(symbol=row["symbol"], pnl=row["pnl"]) for row in rows]


def _key_matches(key: PositionKey) -> ColumnElement[bool]:
    return and_(*(_columns[name] == value for name, value in _key_columns(key).items()))


def _key_columns(key: PositionKey) -> dict[str, str]:
    return {"account": key.account, "symbol": key.symbol, "type": str(key.type)}


def _values(trip: RoundTrip) -> dict[str, Any]:
    return {"opened_at": trip.opened_at, "closed_at": trip.closed_at, "pnl": trip.pnl}


def _row(position: Position) -> dict[str, Any]:
    return {
        **_key_columns(position.key),
        **{name: getattr(position.holding, name) for name in _HOLDING},
        "unvalued_fees": position.unvalued_fees,
        "updated_at": position.updated_at,
        "metadata": dict(position.metadata),
    }


def _load(row: RowMapping) -> Position:
    return Position(
        key=PositionKey(
            account=row["account"], symbol=row["symbol"], type=PositionType(row["type"])
        ),
        holding=Holding(**{name: row[name] for name in _HOLDING}),
        updated_at=row["updated_at"],
        unvalued_fees=row["unvalued_fees"],
        metadata=row["metadata"],
    )
