"""Restores a backup over a database that nobody uses, and keeps the old one aside."""

import os
import secrets
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from urllib.parse import quote

from app.errors import CopyRefused
from app.storage.upkeep.backups import (
    BackupContents,
    companions,
    copy_into,
    examine,
    opened,
    settle,
    sync_folder,
    unfinished,
)

IN_USE = "is in use: stop the server first"
_HEADER = b"SQLite format 3\0"
_LOCKED = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}


@dataclass(frozen=True, kw_only=True, slots=True)
class RestoreResult:
    """What the restored database contains, and where the previous one is kept."""

    contents: BackupContents
    kept: Path | None


def check_free(backup: Path, database: Path, *, may_replace: bool) -> bool:
    """Raises CopyRefused if the database must not be replaced; False if too damaged to tell."""
    if not backup.is_file():
        raise CopyRefused(f"{backup} is no file")
    if not database.exists():
        return True
    if backup.resolve() == database.resolve():
        raise CopyRefused(f"{backup} is the database itself")
    if not may_replace:
        raise CopyRefused(f"{database} exists: --force keeps it aside and puts the backup there")
    return _is_unused(database)


def restore(
    backup: Path, database: Path, at: datetime, prepare: Callable[[Path], None] | None = None
) -> RestoreResult:
    """Put a verified, prepared backup in place; at no moment is there no database."""
    examine(backup)
    database.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with unfinished(database) as copy:
        copy_into(copy, backup, mode="ro")
        if prepare is not None:
            prepare(copy)
        _renew_log_identity(copy)
        contents = examine(copy)
        settle(copy)
        kept = _keep_aside(database, at) if database.exists() else None
        copy.replace(database)
    sync_folder(database.parent)
    return RestoreResult(contents=contents, kept=kept)


def _renew_log_identity(copy: Path) -> None:
    """Give the log a new identity: a client's cursor from the old log must not continue here."""
    with opened(copy, "rw") as connection:
        # Preparing the copy may have left a SQLite log beside it.
        connection.execute("PRAGMA journal_mode = DELETE")
        connection.execute("UPDATE log SET identity = ?", (secrets.token_hex(8),))


def _is_unused(database: Path) -> bool:
    """Check that nobody has the database open, by merging its log, which needs exclusive access.

    Leaves a single file without a log. Returns False if the database is too damaged to tell.
    """
    if not _begins_as_sqlite(database):
        # SQLite would delete the log of a file that it cannot read.
        return False
    address = f"file:{quote(str(database))}?mode=rw"
    try:
        with closing(sqlite3.connect(address, uri=True, timeout=0)) as connection:
            connection.execute("PRAGMA journal_mode = DELETE")
    except sqlite3.Error as error:
        if getattr(error, "sqlite_errorcode", None) in _LOCKED:
            raise CopyRefused(f"{database} {IN_USE}") from error
        return False
    return True


def _begins_as_sqlite(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(len(_HEADER)) == _HEADER


def _keep_aside(database: Path, at: datetime) -> Path:
    """Move the old database and its logs aside: SQLite would apply an old log to the new file."""
    kept = database.with_name(f"{database.name}.before-{at:%Y%m%dT%H%M%S}Z")
    # The copy took a while: somebody may have started a server meanwhile.
    _is_unused(database)
    if kept.exists():
        raise CopyRefused(f"{kept} exists: try again in a second")
    for theirs, ours in zip(companions(database), companions(kept), strict=True):
        if theirs.exists():
            theirs.replace(ours)
    try:
        os.link(database, kept)
    except OSError:
        # A file system without links.
        shutil.copy2(database, kept)
    return kept
