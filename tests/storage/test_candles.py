"""Candles in the database."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from app.domain.markets.candle_series import CandleSeries
from app.domain.markets.candles import Candle
from app.storage.database import Database
from tests.conftest import on_each_database

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
SERIES = CandleSeries(source="somewhere", symbol="BTC/USDT", timeframe="1m")
OTHERS = [
    replace(SERIES, source="elsewhere"),
    replace(SERIES, symbol="ETH/USDT"),
    replace(SERIES, timeframe="5m"),
]


def candle(minute: int, *, is_closed: bool = True) -> Candle:
    return Candle(
        at=NOON + minute * MINUTE,
        open=Decimal("90000.10"),
        high=Decimal("90000.123456789012345678"),
        low=Decimal("0.00000001"),
        close=Decimal(90_000 + minute),
        volume=Decimal("12345678901234567890.5"),
        is_closed=is_closed,
    )


FIVE = [candle(minute) for minute in range(5)]


@pytest.fixture
async def kept(database: Database) -> Database:
    async with database.transaction() as tx:
        await tx.candles.keep(SERIES, FIVE)
    return database


@on_each_database
async def test_the_newest_that_had_closed_by_then_come_back_as_they_were(kept: Database) -> None:
    async with kept.snapshot() as view:
        assert await view.candles.kept(SERIES, 5, NOON + 5 * MINUTE) == FIVE
        assert await view.candles.kept(SERIES, 2, NOON + 5 * MINUTE) == FIVE[3:]
        earlier = NOON + 4 * MINUTE - timedelta(milliseconds=1)
        assert await view.candles.kept(SERIES, 2, earlier) == FIVE[1:3]
        assert [await view.candles.kept(one, 5, NOON + 5 * MINUTE) for one in OTHERS] == [[]] * 3


@on_each_database
async def test_what_is_told_again_takes_the_place_of_what_was(kept: Database) -> None:
    corrected = replace(FIVE[2], close=Decimal("89999.5"), volume=Decimal(0))
    async with kept.transaction() as tx:
        await tx.candles.keep(SERIES, FIVE)
        await tx.candles.keep(SERIES, [corrected])
        found = await tx.candles.kept(SERIES, 10, NOON + 5 * MINUTE)
    assert found == [*FIVE[:2], corrected, *FIVE[3:]]


@on_each_database
async def test_a_candle_that_runs_is_not_kept(kept: Database) -> None:
    async with kept.transaction() as tx:
        await tx.candles.keep(SERIES, [candle(4, is_closed=False), candle(5, is_closed=False)])
        await tx.candles.keep(SERIES, [])
        assert await tx.candles.kept(SERIES, 10, NOON + 10 * MINUTE) == FIVE


@on_each_database
async def test_single_ones_and_old_ones_go_and_those_of_other_series_stay(kept: Database) -> None:
    async with kept.transaction() as tx:
        for other in OTHERS:
            await tx.candles.keep(other, FIVE)
        await tx.candles.drop(SERIES, [FIVE[3].at, FIVE[1].at])
        await tx.candles.drop(SERIES, [])
        assert await tx.candles.forget(SERIES, FIVE[2].at, limit=0) == 0
        assert await tx.candles.forget(SERIES, FIVE[2].at) == 1
    async with kept.snapshot() as view:
        later = NOON + 60 * MINUTE
        assert await view.candles.kept(SERIES, 10, later) == [FIVE[2], FIVE[4]]
        assert [await view.candles.kept(one, 10, later) for one in OTHERS] == [FIVE] * 3
        assert set(await view.candles.series()) == {SERIES, *OTHERS}
