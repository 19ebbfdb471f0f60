import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, inspect, text

from app.errors import SchemaMismatch
from app.storage.database import Database
from app.storage.migrations import check, migrate
from app.storage.tables import metadata


def differences(connection: Connection) -> list[object]:
    return list(compare_metadata(MigrationContext.configure(connection), metadata))


async def test_the_migrations_lead_to_exactly_the_tables_of_the_code(database: Database) -> None:
    async with database.migrating() as connection:
        assert await connection.run_sync(differences) == []


async def test_down_to_nothing_and_up_again(database: Database) -> None:
    await migrate(database, "base")
    async with database.migrating() as connection:
        tables = await connection.run_sync(lambda sync: inspect(sync).get_table_names())
    assert tables == ["alembic_version"]
    with pytest.raises(SchemaMismatch, match="orderdeck migrate"):
        await check(database)
    await migrate(database)
    await check(database)


async def test_migrating_twice_changes_nothing(database: Database) -> None:
    async with database.snapshot() as view:
        before = await view.events.state()
    await migrate(database)
    async with database.snapshot() as view:
        assert await view.events.state() == before


async def test_a_newer_database_is_refused(database: Database) -> None:
    async with database.migrating() as connection:
        await connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    for attempt in (check, migrate):
        with pytest.raises(SchemaMismatch, match="newer"):
            await attempt(database)
