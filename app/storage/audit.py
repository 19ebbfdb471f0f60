"""AuditStore: the audit log, written in the transaction of the change that an entry records."""

from datetime import datetime
from typing import Any

from sqlalchemy import RowMapping, delete, insert, select, update

from app.domain.access.audit import AuditEntry, AuditOutcome, AuditSubject, SubjectKind
from app.domain.pages import Page, PageRequest
from app.storage import tables
from app.storage.engine.paging import Keyset
from app.storage.engine.sql import Sql

_columns = tables.audit.c
_NEWEST_FIRST = Keyset(_columns.at, _columns.id, descending=True)


class AuditStore:
    """One row per entry; only refused attempts are ever deleted."""

    def __init__(self, sql: Sql) -> None:
        self._sql = sql

    async def insert(self, entry: AuditEntry) -> None:
        await self._sql.run(insert(tables.audit), _row(entry))

    async def conclude(self, entry: AuditEntry) -> None:
        """Record the final outcome of an entry that is already written."""
        mine = update(tables.audit).where(_columns.id == entry.id)
        await self._sql.run(mine.values(outcome=str(entry.outcome), code=entry.code))

    async def count(self, entry: AuditEntry) -> None:
        """Record how many attempts share the entry by now, and the last one's time."""
        mine = update(tables.audit).where(_columns.id == entry.id)
        row = _row(entry)
        names = ("count", "last_at", "subject_kind", "subject_key")
        await self._sql.run(mine.values({name: row[name] for name in names}))

    async def prune_refused(self, before: datetime, *, limit: int) -> int:
        """Delete some refused attempts, the last of which was made before; returns how many."""
        old = select(_columns.id).where(_columns.last_at < before)
        rows = await self._sql.all(old.order_by(_columns.last_at).limit(limit))
        doomed = [row["id"] for row in rows]
        if doomed:
            await self._sql.run(delete(tables.audit).where(_columns.id.in_(doomed)))
        return len(doomed)

    async def page(self, request: PageRequest) -> Page[AuditEntry]:
        return await _NEWEST_FIRST.page(self._sql, select(tables.audit), request, _entry)


def _row(entry: AuditEntry) -> dict[str, Any]:
    return {
        "id": entry.id,
        "at": entry.at,
        "actor": entry.actor,
        "actor_id": entry.actor_id,
        "action": entry.action,
        "subject_kind": None if entry.subject is None else str(entry.subject.kind),
        "subject_key": None if entry.subject is None else entry.subject.key,
        "outcome": str(entry.outcome),
        "code": entry.code,
        "request_id": entry.request_id,
        "count": entry.count,
        "last_at": entry.last_at,
    }


def _entry(row: RowMapping) -> AuditEntry:
    kind = row["subject_kind"]
    return AuditEntry(
        id=row["id"],
        at=row["at"],
        actor=row["actor"],
        actor_id=row["actor_id"],
        action=row["action"],
        request_id=row["request_id"],
        subject=None
        if kind is None
        else AuditSubject(kind=SubjectKind(kind), key=row["subject_key"]),
        outcome=AuditOutcome(row["outcome"]),
        code=row["code"],
        count=row["count"],
        last_at=row["last_at"],
    )
