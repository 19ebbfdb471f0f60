"""The lock of a server on its SQLite database, so that no second one works on the same file."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from app.errors import DatabaseInUse

_PID_BYTES = 20


def lock_file(database: Path) -> Path:
    return database.with_name(f"{database.name}.lock")


@contextmanager
def locked(database: Path, advice: str) -> Iterator[None]:
    """Hold the database; raises DatabaseInUse if another process does.

    The system frees the lock when the process ends, however it ends. The file stays: if it were
    deleted, two processes could each hold a lock on a file of this name.
    """
    place = database.resolve()
    file = os.open(lock_file(place), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise DatabaseInUse(f"{place} is in use by process {_pid(file)}: {advice}") from None
        except OSError as error:
            words = f"{lock_file(place)} cannot be locked: {error.strerror}"
            raise DatabaseInUse(f"{words}; put the data folder on a disk that has locks") from error
        os.ftruncate(file, 0)
        os.pwrite(file, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(file)


def _pid(file: int) -> str:
    """The process that holds it; for a moment after it has got it, that is not known yet."""
    written = b""
    with suppress(OSError):
        written = os.pread(file, _PID_BYTES, 0).strip()
    return written.decode() if written.isdigit() else "(unknown)"
