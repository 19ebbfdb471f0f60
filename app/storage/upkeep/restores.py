"""Puts a backup in the place of a database that nobody uses, and keeps what was there."""

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
    """What stands now, and where that is kept which stood before."""

    contents: BackupContents
    kept: Path | None


def check_free(backup: Path, database: Path, *, may_replace: bool) -> bool:
    """CopyRefused where it must not be replaced; False where it is too damaged to tell."""
    if not backup.is_file():
        raise CopyRefused(f"{backup} is no file")
    if not database.exists():
        return True
    if backup.resolve() == database.resolve():
        raise CopyRefused(f"{backup} is the database itself")
    if not may_replace:
        raise CopyRefused(f"{database} exists: --force keeps it aside and puts the backup there")
    return _is_let_go(database)


def restore(
    backup: Path, database: Path, at: datetime, prepare: Callable[[Path], None] | None = None
) -> RestoreResult:
    """Only what is whole is put there, prepared before; at every moment there is a database."""
    examine(backup)
    database.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with unfinished(database) as copy:
        copy_into(copy, backup, mode="ro")
        if prepare is not None:
            prepare(copy)
        _begin_new_log(copy)
        contents = examine(copy)
        settle(copy)
        kept = _keep_aside(database, at) if database.exists() else None
        copy.replace(database)
    sync_folder(database.parent)
    return RestoreResult(contents=contents, kept=kept)


def _begin_new_log(copy: Path) -> None:
    """Whoever went further in the old one must not go on in this one as if nothing were."""
    with opened(copy, "rw") as connection:
        # Whoever has prepared it may have left a log of SQLite's own beside it.
        connection.execute("PRAGMA journal_mode = DELETE")
        connection.execute("UPDATE log SET identity = ?", (secrets.token_hex(8),))


def _is_let_go(database: Path) -> bool:
    """Its log is taken over, which SQLite does for the only one who has it open.

    It leaves one file that stands for itself.
    """
    if not _begins_as_sqlite(database):
        # SQLite would delete the log of what it cannot read.
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
    """With what lies beside it: SQLite would take a log that is left there for the new one's."""
    kept = database.with_name(f"{database.name}.before-{at:%Y%m%dT%H%M%S}Z")
    # Copying took its time: somebody may have started a server meanwhile.
    _is_let_go(database)
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
