"""HealthStore: a database's version, schema, damage and clock."""

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum, auto

from sqlalchemy import select, text

from app.storage import tables
from app.storage.engine.sql import Sql
from app.storage.upkeep import migrations

_events = tables.events.c
_SOUND = "ok"
_VERSION_TABLE = {
    "sqlite": "SELECT count(*) FROM sqlite_master WHERE name = 'alembic_version'",
    "postgresql": "SELECT count(*) FROM pg_tables"
    " WHERE tablename = 'alembic_version' AND schemaname = current_schema()",
}


class SchemaStatus(Enum):
    """Whether the database's schema is older than, equal to or newer than this program's."""

    BEHIND = auto()
    AT_HEAD = auto()
    NEWER = auto()


@dataclass(frozen=True, kw_only=True, slots=True)
class SchemaState:
    """The database's schema revision (None if it has none) and the one that is needed."""

    revision: str | None
    head: str
    standing: SchemaStatus


class HealthStore:
    """Queries about the database itself, not about its contents."""

    def __init__(self, sql: Sql) -> None:
        self._sql = sql

    async def product(self) -> str:
        """The database product and its version."""
        if self._sql.dialect == "sqlite":
            return f"SQLite {await self._sql.scalar(text('SELECT sqlite_version()'))}"
        version = str(await self._sql.scalar(text("SHOW server_version")))
        return f"PostgreSQL {version.split(maxsplit=1)[0]}"

    async def schema(self) -> SchemaState:
        known = migrations.known_revisions()
        revision = await self._revision()
        return SchemaState(revision=revision, head=known[0], standing=_status_of(revision, known))

    async def damage(self) -> str | None:
        """What is broken in a SQLite file, in SQLite's words. PostgreSQL checks itself: None."""
        if self._sql.dialect != "sqlite":
            return None
        result = await self._sql.scalar(text("PRAGMA quick_check(1)"))
        if result != _SOUND:
            return str(result)
        orphan = await self._sql.first(text("PRAGMA foreign_key_check"))
        return None if orphan is None else f"a row of {orphan['table']} points to nothing"

    async def server_time(self) -> datetime | None:
        """The time by the database server's clock; None for SQLite, which has no server."""
        if self._sql.dialect == "sqlite":
            return None
        now: datetime = await self._sql.scalar(text("SELECT clock_timestamp()"))
        return now.astimezone(UTC)

    async def newest_event_at(self) -> datetime | None:
        """When the last event of the log was recorded."""
        newest = select(_events.at).order_by(_events.seq.desc()).limit(1)
        at: datetime | None = await self._sql.scalar(newest)
        return at

    async def _revision(self) -> str | None:
        if not await self._sql.scalar(text(_VERSION_TABLE[self._sql.dialect])):
            return None
        revision: str | None = await self._sql.scalar(
            text("SELECT version_num FROM alembic_version")
        )
        return revision


def _status_of(revision: str | None, known: tuple[str, ...]) -> SchemaStatus:
    if revision is not None and revision not in known:
        return SchemaStatus.NEWER
    return SchemaStatus.AT_HEAD if revision == known[0] else SchemaStatus.BEHIND
