"""The attempt under way: who is changing what, for the audit entry that commits with the change."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import replace

from app.domain.access.audit import AuditEntry, AuditSubject


class Attempt:
    """One attempt to change something, and whether its audit entry is written."""

    def __init__(self, entry: AuditEntry) -> None:
        self.entry = entry
        self.is_written = False
        # Each part has an entry, and the whole has none.
        self.is_split = False
        self._is_of_many = False

    def covers(self, subject: AuditSubject | None) -> None:
        """The entry of many changes names what they have in common."""
        self.entry = replace(self.entry, subject=subject)
        self._is_of_many = True

    def about(self, subject: AuditSubject | None) -> AuditEntry:
        return self.entry if self._is_of_many else replace(self.entry, subject=subject)

    def note_written(self, entry: AuditEntry) -> None:
        self.entry = entry
        self.is_written = True


_current: ContextVar[Attempt | None] = ContextVar("attempt", default=None)


def current_attempt() -> Attempt | None:
    return _current.get()


@contextmanager
def acting(attempt: Attempt | None) -> Iterator[None]:
    """Transactions that begin inside carry this attempt, or none if it is None."""
    token = _current.set(attempt)
    try:
        yield
    finally:
        _current.reset(token)
