"""A commit is on the disk when it is acknowledged."""

from sqlalchemy import text

from app.storage.database import Database, Snapshot

FULL = 2


async def how_durable(view: Snapshot) -> int:
    row = await view.orders._sql.first(text("PRAGMA synchronous"))
    assert row is not None
    return int(row["synchronous"])


async def test_every_connection_to_a_sqlite_file_waits_for_the_disk(database: Database) -> None:
    async with database.transaction() as tx:
        assert await how_durable(tx) == FULL
    async with database.snapshot() as view:
        assert await how_durable(view) == FULL
