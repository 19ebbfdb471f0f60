"""Migrates a database to the schema that this program needs, and refuses a newer one."""

from functools import cache
from pathlib import Path

from sqlalchemy import Connection, inspect, text

from app.errors import SchemaMismatch
from app.storage.database import Database

_VERSIONS = Path(__file__).resolve().parents[3] / "migrations" / "versions"
# Any number: processes that migrate the same PostgreSQL database at once wait for each other.
_LOCK = 7_316_482


async def migrate(database: Database, revision: str = "head") -> None:
    async with database.migrating() as connection:
        await connection.run_sync(_migrate, revision)


async def check(database: Database) -> None:
    """Raises SchemaMismatch if the schema is older or newer than this program's."""
    async with database.migrating() as connection:
        await connection.run_sync(_check)


@cache
def known_revisions() -> tuple[str, ...]:
    """Every schema revision that this program knows, newest first.

    Read from the names of the migrations' files, because alembic would have to be imported.
    """
    names = [file.name for file in _VERSIONS.glob("[0-9]*_*.py")]
    return tuple(sorted((name.partition("_")[0] for name in names), reverse=True))


def _migrate(connection: Connection, revision: str) -> None:
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
    current = _current(connection)
    if revision == "head" and current == _head():
        return
    # Imported late: alembic takes 4 MB and 60 ms, and most starts have nothing to change.
    from app.storage.upkeep.schema_changes import change  # noqa: PLC0415

    change(connection, current, revision)


def _check(connection: Connection) -> None:
    current, head = _current(connection), _head()
    if current != head:
        raise SchemaMismatch(
            f"the database is at schema {current or 'none'} and this program needs {head}:"
            " run `orderdeck migrate`"
        )


def _current(connection: Connection) -> str | None:
    """The revision of the database, which must be one that this program knows."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    current: str | None = connection.scalar(text("SELECT version_num FROM alembic_version"))
    if current is not None and current not in known_revisions():
        raise SchemaMismatch(
            f"the database is at schema {current}, which is newer than this program:"
            " run the newer orderdeck"
        )
    return current


def _head() -> str:
    return known_revisions()[0]
