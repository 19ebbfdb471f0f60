"""The audit: every attempt to change something leaves one entry, whatever becomes of it."""

from collections.abc import Callable
from dataclasses import replace

import structlog

from app.domain.access.audit import AuditEntry, AuditOutcome, AuditResult, AuditSubject
from app.domain.access.tokens import Token
from app.errors import StorageError
from app.ports import Clock
from app.storage.database import Database, Transaction

COMMAND_LINE = "command line"

_logger = structlog.get_logger(__name__)


class Attempt:
    """Somebody wants to change something: its entry is committed together with the change."""

    def __init__(self, entry: AuditEntry) -> None:
        self.entry = entry
        self.is_written = False
        self.is_split = False
        self._is_of_many = False

    def covers(self, subject: AuditSubject | None) -> None:
        """Of many changes the entry tells what they have in common."""
        self.entry = replace(self.entry, subject=subject)
        self._is_of_many = True

    async def done(self, tx: Transaction, subject: AuditSubject | None) -> None:
        """Write it with the change; of several changes the first one takes it along."""
        if not self.is_written:
            entry = self.entry if self._is_of_many else replace(self.entry, subject=subject)
            await tx.audit.insert(entry)
            tx.after_commit(lambda: self._has_written(entry))

    async def refused(self, tx: Transaction, code: str) -> None:
        """What was written as done has been refused by the exchange."""
        entry = replace(self.entry, outcome=AuditOutcome.REFUSED, code=code)
        await tx.audit.conclude(entry)
        tx.after_commit(lambda: self._has_written(entry))

    def _has_written(self, entry: AuditEntry) -> None:
        self.entry = entry
        self.is_written = True


class AuditService:
    """Keeps the audit."""

    def __init__(self, database: Database, clock: Clock, new_id: Callable[[], str]) -> None:
        self._database = database
        self._clock = clock
        self._new_id = new_id

    def attempt(self, actor: Token, action: str, request_id: str) -> Attempt:
        return Attempt(
            AuditEntry(
                id=self._new_id(),
                at=self._clock.now(),
                actor=actor.name,
                actor_id=actor.id,
                action=action,
                request_id=request_id,
            )
        )

    def command(self, action: str) -> Attempt:
        """Of whoever sits at the machine itself, and needs no token."""
        entry = AuditEntry(
            id=self._new_id(),
            at=self._clock.now(),
            actor=COMMAND_LINE,
            actor_id=None,
            action=action,
            request_id=self._new_id(),
        )
        return Attempt(entry)

    def part(self, whole: Attempt) -> Attempt:
        """One of several attempts, each of which has an entry, and the whole none."""
        whole.is_split = True
        return Attempt(replace(whole.entry, id=self._new_id(), at=self._clock.now()))

    async def done(self, attempt: Attempt, subject: AuditSubject | None = None) -> None:
        """See to an attempt that succeeded without changing anything."""
        if not attempt.is_written and not attempt.is_split:
            async with self._database.transaction() as tx:
                await attempt.done(tx, subject)

    async def ended(self, attempt: Attempt, ending: AuditResult) -> None:
        """See to an attempt that was refused or has failed. That stays the answer in any case."""
        entry = replace(attempt.entry, outcome=ending.outcome, code=ending.code)
        if attempt.is_split or entry == attempt.entry:
            return
        if not attempt.is_written:
            entry = replace(entry, subject=entry.subject or ending.subject)
        try:
            async with self._database.transaction() as tx:
                await (tx.audit.conclude if attempt.is_written else tx.audit.insert)(entry)
        except StorageError:
            _logger.exception("audit.unwritten", action=entry.action, request_id=entry.request_id)
