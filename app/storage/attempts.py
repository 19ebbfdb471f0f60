"""The attempt that is under way: who is changing what, written to the audit with the change."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import replace

from app.domain.access.audit import AuditEntry, AuditSubject


class Attempt:
    """Somebody wants to change something; the entry is committed together with the change."""

    def __init__(self, entry: AuditEntry) -> None:
        self.entry = entry
        self.is_written = False
        # Its parts have entries of their own, and the whole has none.
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
    """Transactions begun in here carry this attempt; None: they carry none."""
    token = _current.set(attempt)
    try:
        yield
    finally:
        _current.reset(token)
