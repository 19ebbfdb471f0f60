"""CandleStore: closed candles, as the exchange last reported them."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, RowMapping, delete, select
from sqlalchemy.dialects import postgresql, sqlite

from app.domain.markets.candle_series import CandleSeries
from app.domain.markets.candles import Candle
from app.storage import tables
from app.storage.engine.sql import Sql

_candles = tables.candles.c
_KEY = ("source", "symbol", "timeframe")
_NUMBERS = ("open", "high", "low", "close", "volume")


class CandleStore:
    """Closed candles by series: a market of a source in a timeframe."""

    def __init__(self, sql: Sql) -> None:
        self._sql = sql

    async def kept(self, series: CandleSeries, limit: int, now: datetime) -> Sequence[Candle]:
        """The newest `limit` candles that have closed by now, oldest first."""
        closed = (*_series_matches(series), _candles.at <= now - series.span)
        newest = select(_candles.at, *(_candles[name] for name in _NUMBERS)).where(*closed)
        rows = await self._sql.all(newest.order_by(_candles.at.desc()).limit(limit))
        return [_load(row) for row in reversed(rows)]

    async def keep(self, series: CandleSeries, candles: Sequence[Candle]) -> None:
        """Store the closed candles; one that is known already is replaced."""
        rows = [_row(series, candle) for candle in candles if candle.is_closed]
        if rows:
            await self._sql.run(_upsert(self._sql.dialect), rows)

    async def drop(self, series: CandleSeries, moments: Sequence[datetime]) -> None:
        """Delete candles that the exchange no longer has, by their start times."""
        if moments:
            await self._sql.run(
                delete(tables.candles).where(*_series_matches(series), _candles.at.in_(moments))
            )

    async def forget(
        self, series: CandleSeries, before: datetime, *, limit: int | None = None
    ) -> int:
        """Delete candles that began earlier, the oldest ones; returns how many."""
        old = (*_series_matches(series), _candles.at < before)
        some = select(_candles.at).where(*old).order_by(_candles.at).limit(limit)
        doomed = delete(tables.candles).where(
            *_series_matches(series), _candles.at.in_(some.scalar_subquery())
        )
        return await self._sql.run(doomed)

    async def series(self) -> Sequence[CandleSeries]:
        """Every series with stored candles."""
        found = select(*(_candles[name] for name in _KEY)).distinct()
        return [CandleSeries(**row) for row in await self._sql.all(found)]


def _series_matches(series: CandleSeries) -> tuple[ColumnElement[bool], ...]:
    return (
        _candles.source == series.source,
        _candles.symbol == series.symbol,
        _candles.timeframe == series.timeframe,
    )


def _upsert(dialect: str) -> postgresql.Insert | sqlite.Insert:
    adding: postgresql.Insert | sqlite.Insert
    adding = (
        postgresql.insert(tables.candles)
        if dialect == "postgresql"
        else sqlite.insert(tables.candles)
    )
    replaced = {name: adding.excluded[name] for name in _NUMBERS}
    return adding.on_conflict_do_update(index_elements=[*_KEY, "at"], set_=replaced)


def _row(series: CandleSeries, candle: Candle) -> dict[str, Any]:
    numbers = {name: getattr(candle, name) for name in _NUMBERS}
    return {**asdict(series), "at": candle.at, **numbers}


def _load(row: RowMapping) -> Candle:
    return Candle(**row, is_closed=True)
