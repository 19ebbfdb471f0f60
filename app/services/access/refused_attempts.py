"""Counts refused attempts: those of one token, field and code share an entry for a minute."""

from dataclasses import dataclass, replace
from datetime import timedelta

import structlog

from app.domain.access.audit import AuditEntry
from app.errors import StorageError
from app.ports import Clock
from app.storage.database import Database

SHARED_SECONDS = 60.0
# How often counts are written: what a flood of refused attempts may write.
WRITE_SECONDS = 1.0
PRUNE_SECONDS = 3600.0
BATCH = 500

_logger = structlog.get_logger(__name__)

_Key = tuple[str | None, str, str, str | None]


@dataclass(slots=True)
class _Shared:
    """An entry that is stored, and what has been added to it since."""

    entry: AuditEntry
    began: float
    is_stored: bool = False
    is_changed: bool = False


class RefusedAttempts:
    """Stores the first attempt at once and only counts those that follow within a minute."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._shared: dict[_Key, _Shared] = {}

    async def add(self, entry: AuditEntry) -> None:
        key = (entry.actor_id, entry.actor, entry.action, entry.code)
        known = self._shared.get(key)
        if known is not None and not self._is_over(known):
            known.entry = _joined(known.entry, replace(entry, at=self._clock.now()))
            known.is_changed = True
            return
        shared = _Shared(entry=replace(entry, last_at=entry.at), began=self._clock.elapsed())
        # From now on others are counted, also while this one is being stored.
        self._shared[key] = shared
        try:
            await self._store(shared, known)
        except StorageError:
            if self._shared.get(key) is shared:
                del self._shared[key]
            raise

    async def run(self) -> None:
        try:
            while True:
                await self._clock.sleep(WRITE_SECONDS)
                await self.write()
        finally:
            await self.write()

    async def write(self) -> None:
        """Write the counts that have changed; one that cannot be written is tried again."""
        changed = [shared for shared in self._shared.values() if shared.is_changed]
        stored = [shared for shared in changed if shared.is_stored]
        if stored:
            try:
                await self._write(stored)
            except StorageError as error:
                _logger.warning("audit.not_counted", error=str(error))
        self._shared = {
            key: shared
            for key, shared in self._shared.items()
            if shared.is_changed or not shared.is_stored or not self._is_over(shared)
        }

    async def prune(self, retention: timedelta) -> int:
        """Delete refused attempts older than this; returns how many entries."""
        before, pruned = self._clock.now() - retention, 0
        while True:
            async with self._database.transaction() as tx:
                count = await tx.audit.prune_refused(before, limit=BATCH)
            pruned += count
            if count < BATCH:
                return pruned

    async def run_pruning(self, retention: timedelta) -> None:
        while True:
            try:
                if pruned := await self.prune(retention):
                    _logger.info("audit.pruned", entries=pruned)
            except StorageError as error:
                _logger.warning("audit.not_pruned", error=str(error))
            await self._clock.sleep(PRUNE_SECONDS)

    async def _store(self, shared: _Shared, before: _Shared | None) -> None:
        async with self._database.transaction() as tx:
            if before is not None and before.is_changed:
                await tx.audit.count(before.entry)
            await tx.audit.insert(replace(shared.entry, count=1))
        shared.is_stored = True

    async def _write(self, changed: list[_Shared]) -> None:
        entries = [shared.entry for shared in changed]
        for shared in changed:
            shared.is_changed = False
        try:
            async with self._database.transaction() as tx:
                for entry in entries:
                    await tx.audit.count(entry)
        except StorageError:
            for shared in changed:
                shared.is_changed = True
            raise

    def _is_over(self, shared: _Shared) -> bool:
        return self._clock.elapsed() - shared.began >= SHARED_SECONDS


def _joined(entry: AuditEntry, later: AuditEntry) -> AuditEntry:
    """The entry with one attempt more; it names a subject only if all have the same."""
    subject = entry.subject if entry.subject == later.subject else None
    return replace(entry, count=entry.count + 1, last_at=later.at, subject=subject)
