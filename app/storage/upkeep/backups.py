"""Backups: copies of a SQLite database, made while it is in use and checked afterwards."""

import os
import shlex
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from sqlalchemy import URL, make_url

from app.errors import CopyRefused, SchemaMismatch, StorageUnavailable
from app.storage.engine.sql import in_words
from app.storage.upkeep import migrations

BUSY_SECONDS = 10.0
# The suffixes of the files that SQLite keeps beside an open database.
COMPANIONS = ("-wal", "-shm", "-journal")
_SOUND = "ok"


@dataclass(frozen=True, kw_only=True, slots=True)
class BackupContents:
    """What a backup contains."""

    revision: str
    orders: int
    events: int
    size_bytes: int


def file_of(url: str) -> Path | None:
    """The file of a SQLite database; None for a server's database."""
    parsed = make_url(url)
    is_file = parsed.get_backend_name() == "sqlite" and parsed.database is not None
    return Path(str(parsed.database)) if is_file else None


def url_of(path: Path) -> str:
    return URL.create("sqlite+aiosqlite", database=str(path)).render_as_string()


def postgres_options(url: str) -> str:
    """The options with which pg_dump and its like find the database, without the password."""
    parsed = make_url(url)
    host = parsed.host or parsed.normalized_query.get("host", ("localhost",))[0]
    given = {"host": host, "port": parsed.port, "username": parsed.username}
    named = [f"--{name}={value}" for name, value in given.items() if value]
    return shlex.join([*named, f"--dbname={parsed.database}"])


def back_up(database: Path, target: Path, *, may_replace: bool) -> BackupContents:
    """Copy one instant of the database; the target appears only once it is verified and on disk."""
    if not database.is_file():
        raise CopyRefused(f"{database} does not exist: there is nothing to copy")
    _check_target(database, target, may_replace=may_replace)
    with unfinished(target) as copy:
        copy_into(copy, database, mode="rw")
        contents = examine(copy)
        settle(copy)
        if may_replace:
            copy.replace(target)
        else:
            _place_new(copy, target)
    sync_folder(target.parent)
    return contents


def copy_into(copy: Path, source: Path, *, mode: str) -> None:
    """Copy in a single step: SQLite restarts a copy of several steps whenever somebody writes.

    With a write-ahead log, readers and writers do not block each other.
    """
    with opened(source, mode) as reading, opened(copy, "rw") as writing:
        writing.execute("PRAGMA synchronous = OFF")
        reading.backup(writing)
        # A single file, without a log beside it.
        writing.execute("PRAGMA journal_mode = DELETE")


def examine(path: Path) -> BackupContents:
    """A copy's contents. Raises CopyRefused if damaged, SchemaMismatch if its schema is too new."""
    with opened(path, "ro") as connection:
        _check_sound(path, connection)
        revision = _revision(path, connection)
        if revision not in migrations.known_revisions():
            words = f"{path} is at schema {revision}, which is newer than this program"
            raise SchemaMismatch(f"{words}: run the newer orderdeck")
        return BackupContents(
            revision=revision,
            orders=_count(connection, "orders"),
            events=_count(connection, "events"),
            size_bytes=path.stat().st_size,
        )


@contextmanager
def opened(path: Path, mode: str) -> Iterator[sqlite3.Connection]:
    """A separate connection to the file; its errors name the file."""
    address = f"file:{quote(str(path))}?mode={mode}"
    try:
        with closing(
            sqlite3.connect(address, uri=True, timeout=BUSY_SECONDS, isolation_level=None)
        ) as connection:
            yield connection
    except (sqlite3.Error, UnicodeDecodeError) as error:
        raise StorageUnavailable(f"{path}: {in_words(error)}") from error


@contextmanager
def unfinished(target: Path) -> Iterator[Path]:
    """A temporary file beside the target, readable by its owner only; deleted unless renamed."""
    try:
        handle, name = tempfile.mkstemp(
            prefix=f".{target.name}.", suffix=".unfinished", dir=target.parent
        )
        os.close(handle)
        path = Path(name)
        try:
            yield path
        finally:
            for each in (path, *companions(path)):
                each.unlink(missing_ok=True)
    except OSError as error:
        raise CopyRefused(f"{target} cannot be written: {error.strerror}") from error


def companions(path: Path) -> list[Path]:
    return [path.with_name(f"{path.name}{ending}") for ending in COMPANIONS]


def settle(path: Path) -> None:
    """Return once the file is on disk (fsync)."""
    _sync(path, os.O_RDWR)


def sync_folder(folder: Path) -> None:
    _sync(folder, os.O_RDONLY)


def _sync(path: Path, flags: int) -> None:
    descriptor = os.open(path, flags)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _check_target(database: Path, target: Path, *, may_replace: bool) -> None:
    theirs = {each.resolve() for each in (database, *companions(database))}
    if target.resolve() in theirs:
        raise CopyRefused(f"{target} is the database itself: name another file")
    if target.is_dir():
        raise CopyRefused(f"{target} is a folder: name a file in it")
    if target.exists() and not may_replace:
        raise CopyRefused(f"{target} exists: name another file, or replace it with --force")


def _place_new(copy: Path, target: Path) -> None:
    """Move the copy to the target, unless somebody has created that file meanwhile."""
    try:
        target.touch(mode=0o600, exist_ok=False)
    except FileExistsError as error:
        raise CopyRefused(f"{target} exists: name another file") from error
    copy.replace(target)


def _check_sound(path: Path, connection: sqlite3.Connection) -> None:
    result = _value(connection, "PRAGMA integrity_check(1)")
    if result != _SOUND:
        raise CopyRefused(f"{path} is damaged: {result}")
    orphan = connection.execute("PRAGMA foreign_key_check").fetchone()
    if orphan is not None:
        raise CopyRefused(f"{path} is damaged: a row of {orphan[0]} points to nothing")


def _revision(path: Path, connection: sqlite3.Connection) -> str:
    named = "SELECT count(*) FROM sqlite_master WHERE name IN ('alembic_version', 'log')"
    if _value(connection, named) != 2:
        raise CopyRefused(f"{path} is not a database of orderdeck")
    return str(_value(connection, "SELECT version_num FROM alembic_version"))


def _count(connection: sqlite3.Connection, table: str) -> int:
    return int(str(_value(connection, f"SELECT count(*) FROM {table}")))  # noqa: S608  ours


def _value(connection: sqlite3.Connection, statement: str) -> object:
    row = connection.execute(statement).fetchone()
    return None if row is None else row[0]
