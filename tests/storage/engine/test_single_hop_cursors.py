import queue
from typing import Any, cast

import aiosqlite
import pytest
from sqlalchemy import select, text

from app.errors import StorageUnavailable
from app.storage import tables
from app.storage.database import OWN_READERS, Database
from app.storage.engine.sql import AsyncSql
from tests.support.callers import elsewhere


@pytest.fixture
def trips(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Whatever was sent to a driver's thread."""
    sent: list[object] = []

    class Counted(queue.SimpleQueue[object]):
        def put_nowait(self, item: object) -> None:
            sent.append(item)
            super().put_nowait(item)

    monkeypatch.setattr(aiosqlite.core, "SimpleQueue", Counted)
    return sent


async def test_a_statement_is_one_trip_and_the_end_of_an_instant_another(
    trips: list[object], database: Database
) -> None:
    async with database.snapshot() as view:
        await view.sql.scalar(text("SELECT 1"))
    trips.clear()
    async with database.snapshot() as view:
        assert await view.sql.scalar(text("SELECT 1")) == 1
        assert len(trips) == 1
        assert await view.sql.all(select(tables.orders)) == []
        assert len(trips) == 2
    assert len(trips) == 3


async def test_an_instant_in_which_nothing_is_asked_is_no_trip(
    trips: list[object], database: Database
) -> None:
    async with database.snapshot() as view:
        await view.sql.scalar(text("SELECT 1"))
    trips.clear()
    async with database.snapshot():
        pass
    assert trips == []


async def test_a_statement_that_fails_leaves_the_connection_as_good_as_before(
    database: Database,
) -> None:
    for _ in range(3):
        with pytest.raises(StorageUnavailable):
            async with database.snapshot() as view:
                await view.sql.all(text("SELECT * FROM nothing"))
    async with database.snapshot() as view:
        assert await view.sql.scalar(text("SELECT count(*) FROM orders")) == 0


async def test_an_instant_begins_with_its_first_statement(database: Database) -> None:
    count = text("SELECT count(*) FROM accounts")
    insert = text("INSERT INTO accounts VALUES ('new', 'paper', 'PAPER', 0, NULL)")

    async def write() -> None:
        async with database.transaction() as tx:
            await tx.sql.run(insert)

    async with database.snapshot() as view:
        before = await view.sql.scalar(count)
        await elsewhere(write())
        assert await view.sql.scalar(count) == before
    async with database.snapshot() as view:
        assert await view.sql.scalar(count) == before + 1


async def lose(database: Database, failure: Exception | None) -> None:
    """Look, lose the connection, and fail or be done."""
    async with database.snapshot() as view:
        await view.sql.all(select(tables.orders))
        raw = await cast("AsyncSql", view.sql)._connection.get_raw_connection()
        driver: Any = raw.driver_connection
        await driver._execute(driver._conn.close)
        if failure is not None:
            raise failure


async def test_a_connection_that_cannot_be_given_back_hides_nothing(database: Database) -> None:
    for _ in range(2 * OWN_READERS + 1):
        await lose(database, None)
    with pytest.raises(LookupError):
        await lose(database, LookupError())
    async with database.snapshot() as view:
        assert await view.sql.all(select(tables.orders)) == []
