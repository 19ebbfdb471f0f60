from datetime import UTC, datetime, timedelta
from decimal import Decimal

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Column, MetaData, Table, delete, insert, select

from app.storage.database import Database
from app.storage.engine.column_types import ExactDecimal, UtcTime
from tests.conftest import on_each_database

TABLE = Table("exact", MetaData(), Column("amount", ExactDecimal), Column("at", UtcTime))
AMOUNTS = st.decimals(
    allow_nan=False, allow_infinity=False, places=18, min_value=-(10**38), max_value=10**38
)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
TIMES = st.integers(-62_135_596_800_000, 253_402_300_799_999).map(
    lambda ms: EPOCH + timedelta(milliseconds=ms)
)


@on_each_database
@settings(
    max_examples=50,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(rows=st.lists(st.tuples(AMOUNTS, TIMES), min_size=1, max_size=20))
async def test_what_is_stored_comes_back_exactly(
    database: Database, rows: list[tuple[Decimal, datetime]]
) -> None:
    async with database.migrating() as connection:
        await connection.run_sync(lambda sync: TABLE.create(sync, checkfirst=True))
        await connection.execute(delete(TABLE))
        for amount, at in rows:
            await connection.execute(insert(TABLE).values(amount=amount, at=at))
        found = (await connection.execute(select(TABLE))).all()
    assert sorted((row.amount, row.at) for row in found) == sorted(rows)
