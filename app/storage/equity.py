"""EquityStore: accounts' equity points, their peak, and deposited amounts."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal

from sqlalchemy import ColumnElement, RowMapping, Table, delete, insert, select, update

from app.domain.portfolio.equity_curves import EquityKey, EquityPoint
from app.storage import tables
from app.storage.engine.sql import Sql, in_slices

BATCH = 2000
_points = tables.equity_points.c
_outside = tables.outside_amounts


class EquityStore:
    """One row per equity point, and one for the peak, which outlives its point."""

    def __init__(self, sql: Sql, *, batch: int = BATCH) -> None:
        self._sql = sql
        self._batch = batch

    async def add(self, key: EquityKey, point: EquityPoint) -> None:
        """Add a point, replacing one of the same time, and raise the peak if it is higher."""
        await self._save(
            tables.equity_points, _key_matches(tables.equity_points, key, point), key, point
        )
        peak = await self._locked_peak(key)
        if peak is None or point.value > peak.value:
            await self._save(
                tables.equity_peaks, _key_matches(tables.equity_peaks, key), key, point
            )

    async def peak(self, key: EquityKey) -> EquityPoint | None:
        found = select(tables.equity_peaks).where(*_key_matches(tables.equity_peaks, key))
        row = await self._sql.first(found)
        return None if row is None else _load(row)

    async def _locked_peak(self, key: EquityKey) -> EquityPoint | None:
        found = select(tables.equity_peaks).where(*_key_matches(tables.equity_peaks, key))
        locked = found.with_for_update() if self._sql.dialect == "postgresql" else found
        row = await self._sql.first(locked)
        return None if row is None else _load(row)

    async def last(self, key: EquityKey) -> EquityPoint | None:
        found = select(tables.equity_points).where(*_key_matches(tables.equity_points, key))
        row = await self._sql.first(found.order_by(_points.at.desc()).limit(1))
        return None if row is None else _load(row)

    async def at(self, key: EquityKey, at: datetime) -> EquityPoint | None:
        """The last point up to this time, else the first of all."""
        found = select(tables.equity_points).where(*_key_matches(tables.equity_points, key))
        before = found.where(_points.at <= at).order_by(_points.at.desc())
        row = await self._sql.first(before.limit(1))
        row = row or await self._sql.first(found.order_by(_points.at).limit(1))
        return None if row is None else _load(row)

    async def between(
        self, key: EquityKey, since: datetime | None, until: datetime | None
    ) -> Sequence[EquityPoint]:
        """The points in [since, until), oldest first."""
        bounds = _key_matches(tables.equity_points, key)
        bounds += [] if since is None else [_points.at >= since]
        bounds += [] if until is None else [_points.at < until]
        kept: list[EquityPoint] = []
        while True:
            behind = [_points.at > kept[-1].at] if kept else []
            found = select(_points.at, _points.equity, _points.units).where(*bounds, *behind)
            rows = await self._sql.all(found.order_by(_points.at).limit(self._batch))
            kept += await in_slices(rows, _load)
            if len(rows) < self._batch:
                return kept

    async def forget(self, key: EquityKey, moments: Sequence[datetime]) -> None:
        doomed = [*_key_matches(tables.equity_points, key), _points.at.in_(moments)]
        await self._sql.run(delete(tables.equity_points).where(*doomed))

    async def keys(self, account: str) -> Sequence[EquityKey]:
        """The account's keys, one for each currency in which its equity was ever recorded."""
        peaks = tables.equity_peaks.c
        found = select(peaks.currency).where(peaks.account == account)
        rows = await self._sql.all(found)
        return [EquityKey(account=account, currency=row["currency"]) for row in rows]

    async def outside(self, account: str) -> Mapping[str, Decimal] | None:
        """The amounts that did not come from trades; None if they were never recorded."""
        rows = await self._sql.all(select(_outside).where(_outside.c.account == account))
        return {row["asset"]: row["amount"] for row in rows} if rows else None

    async def set_outside(self, account: str, amounts: Mapping[str, Decimal]) -> None:
        await self._sql.run(delete(_outside).where(_outside.c.account == account))
        rows = [
            {"account": account, "asset": asset, "amount": amount}
            for asset, amount in amounts.items()
        ]
        if rows:
            await self._sql.run(insert(_outside), rows)

    async def _save(
        self, table: Table, where: list[ColumnElement[bool]], key: EquityKey, point: EquityPoint
    ) -> None:
        values = {"at": point.at, "equity": point.equity, "units": point.units}
        if not await self._sql.run(update(table).where(*where).values(values)):
            row = {"account": key.account, "currency": key.currency, **values}
            await self._sql.run(insert(table), row)


def _key_matches(
    table: Table, key: EquityKey, point: EquityPoint | None = None
) -> list[ColumnElement[bool]]:
    columns = table.c
    named = [columns.account == key.account, columns.currency == key.currency]
    return named if point is None else [*named, columns.at == point.at]


def _load(row: RowMapping) -> EquityPoint:
    return EquityPoint(at=row["at"], equity=row["equity"], units=row["units"])
