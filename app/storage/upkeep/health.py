"""What a database says of its own health."""

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
    """How the tables stand to what this program needs."""

    BEHIND = auto()
    AT_HEAD = auto()
    NEWER = auto()


@dataclass(frozen=True, kw_only=True, slots=True)
class SchemaState:
    """Which schema there is, None where there is none, and which one is needed."""

    revision: str | None
    head: str
    standing: SchemaStatus


class HealthStore:
    """Questions to the database itself, rather than to the tables of a noun."""

    def __init__(self, sql: Sql) -> None:
        self._sql = sql

    async def product(self) -> str:
        """What runs, and in which version."""
        if self._sql.dialect == "sqlite":
            return f"SQLite {await self._sql.scalar(text('SELECT sqlite_version()'))}"
        version = str(await self._sql.scalar(text("SHOW server_version")))
        return f"PostgreSQL {version.split(maxsplit=1)[0]}"

    async def schema(self) -> SchemaState:
        known = migrations.known_revisions()
        revision = await self._revision()
        return SchemaState(revision=revision, head=known[0], standing=_standing(revision, known))

    async def damage(self) -> str | None:
        """What is broken in a SQLite file, in SQLite's own words. PostgreSQL looks after itself."""
        if self._sql.dialect != "sqlite":
            return None
        told = await self._sql.scalar(text("PRAGMA quick_check(1)"))
        if told != _SOUND:
            return str(told)
        orphan = await self._sql.first(text("PRAGMA foreign_key_check"))
        return None if orphan is None else f"a row of {orphan['table']} points to nothing"

    async def server_time(self) -> datetime | None:
        """By the database server's clock; None for a file, which has none."""
        if self._sql.dialect == "sqlite":
            return None
        told: datetime = await self._sql.scalar(text("SELECT clock_timestamp()"))
        return told.astimezone(UTC)

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


def _standing(revision: str | None, known: tuple[str, ...]) -> SchemaStatus:
    if revision is not None and revision not in known:
        return SchemaStatus.NEWER
    return SchemaStatus.AT_HEAD if revision == known[0] else SchemaStatus.BEHIND
