"""The audit log: each attempt to change something leaves one entry, with its outcome."""

from collections.abc import Callable
from dataclasses import replace

import structlog

from app.domain.access.audit import AuditEntry, AuditOutcome, AuditResult, AuditSubject
from app.domain.access.tokens import Token
from app.errors import StorageError
from app.ports import Clock
from app.services.access.refused_attempts import RefusedAttempts
from app.storage.attempts import Attempt, acting, current_attempt
from app.storage.database import Database

__all__ = ["Attempt", "AuditService", "acting", "covers", "current_attempt"]

COMMAND_LINE = "command line"

_logger = structlog.get_logger(__name__)


def covers(subject: AuditSubject | None) -> None:
    """Set the subject of the current attempt when its changes have one in common."""
    attempt = current_attempt()
    if attempt is not None:
        attempt.covers(subject)


class AuditService:
    """Starts attempts and writes how they ended."""

    def __init__(self, database: Database, clock: Clock, new_id: Callable[[], str]) -> None:
        self._database = database
        self._clock = clock
        self._new_id = new_id
        self.refused = RefusedAttempts(database, clock)

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
        """An attempt from the command line, which needs no token."""
        entry = AuditEntry(
            id=self._new_id(),
            at=self._clock.now(),
            actor=COMMAND_LINE,
            actor_id=None,
            action=action,
            request_id=self._new_id(),
        )
        return Attempt(entry)

    def part(self) -> Attempt:
        """Split the current attempt: each part has its own entry, and the whole has none."""
        whole = current_attempt()
        if whole is None:
            raise LookupError("only a root field of a mutation attempts something")
        whole.is_split = True
        return Attempt(replace(whole.entry, id=self._new_id(), at=self._clock.now()))

    async def done(self, attempt: Attempt, subject: AuditSubject | None = None) -> None:
        """Write the entry of an attempt that succeeded without changing anything."""
        if not attempt.is_written and not attempt.is_split:
            with acting(attempt):
                async with self._database.transaction() as tx:
                    await tx.attempted(subject)

    async def ended(self, attempt: Attempt, ending: AuditResult) -> None:
        """Write how a refused or failed attempt ended; an error here never replaces the answer."""
        entry = replace(attempt.entry, outcome=ending.outcome, code=ending.code)
        if attempt.is_split or entry == attempt.entry:
            return
        if not attempt.is_written:
            entry = replace(entry, subject=entry.subject or ending.subject)
        try:
            if entry.outcome is AuditOutcome.REFUSED and not attempt.is_written:
                await self.refused.add(entry)
                return
            async with self._database.transaction() as tx:
                await (tx.audit.conclude if attempt.is_written else tx.audit.insert)(entry)
        except StorageError:
            _logger.exception("audit.unwritten", action=entry.action, request_id=entry.request_id)
