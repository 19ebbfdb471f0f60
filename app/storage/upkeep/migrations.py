"""Migrates a database to the schema that this program needs, and refuses a newer one."""

from functools import cache
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, text

from app.errors import SchemaMismatch
from app.storage.database import Database

_ROOT = Path(__file__).resolve().parents[3]
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
    """Every schema revision that this program knows, newest first."""
    script = ScriptDirectory.from_config(_config())
    return tuple(each.revision for each in script.walk_revisions())


def _migrate(connection: Connection, revision: str) -> None:
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
    current = _current(connection)
    if revision == "head" and current == _head():
        return
    config = _config()
    config.attributes["connection"] = connection
    if revision == "base" or _is_behind(config, revision, current):
        command.downgrade(config, revision)
    else:
        command.upgrade(config, revision)


def _check(connection: Connection) -> None:
    current, head = _current(connection), _head()
    if current != head:
        raise SchemaMismatch(
            f"the database is at schema {current or 'none'} and this program needs {head}:"
            " run `orderdeck migrate`"
        )


def _current(connection: Connection) -> str | None:
    """The revision of the database, which must be one that this program knows."""
    current = MigrationContext.configure(connection).get_current_revision()
    if current is not None and current not in known_revisions():
        raise SchemaMismatch(
            f"the database is at schema {current}, which is newer than this program:"
            " run the newer orderdeck"
        )
    return current


def _head() -> str:
    return known_revisions()[0]


def _is_behind(config: Config, revision: str, current: str | None) -> bool:
    script = ScriptDirectory.from_config(config)
    try:
        wanted = script.get_revision(revision)
    except CommandError:
        raise SchemaMismatch(f"there is no schema {revision}") from None
    if current is None or wanted.revision == current:
        return False
    return wanted.revision in {
        older.revision for older in script.iterate_revisions(current, "base")
    }


def _config() -> Config:
    config = Config(toml_file=_ROOT / "pyproject.toml")
    config.set_main_option("script_location", str(_ROOT / "migrations"))
    return config
