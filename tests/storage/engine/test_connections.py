from collections.abc import AsyncIterator

import pytest
from sqlalchemy import text

from app.bus import Bus
from app.storage import database as database_module
from app.storage.database import Database

pytestmark = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)

END_ALL = text(
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
)


@pytest.fixture
async def other(database_url: str) -> AsyncIterator[Database]:
    """Another process on the same database."""
    other = Database(database_url, Bus())
    yield other
    await other.close()


async def backend(database: Database) -> object:
    async with database.snapshot() as view:
        return await view.sql.scalar(text("SELECT pg_backend_pid()"))


async def test_a_connection_that_lost_its_server_while_it_rested_is_not_used(
    database: Database, other: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database_module, "REST_SECONDS", 0)
    first = await backend(database)
    assert await backend(database) == first
    async with other.transaction() as tx:
        await tx.sql.run(END_ALL)
    assert await backend(database) != first


async def test_a_connection_that_did_not_rest_is_not_asked(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = await backend(database)
    monkeypatch.setattr(type(database._engine.dialect), "do_ping", None)
    monkeypatch.setattr(database_module, "REST_SECONDS", 60)
    assert await backend(database) == first
