"""Read-only inspection of a database: creates, migrates and writes nothing, not even a log file."""

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import aiosqlite
from sqlalchemy import URL, make_url
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from app.errors import StorageUnavailable
from app.storage.database import Snapshot
from app.storage.engine.connection_failures import cause_of
from app.storage.engine.sql import AsyncSql, translated

CONNECT_SECONDS = 5.0
BUSY_SECONDS = 2.0
LOOK_SECONDS = 60.0
_STEPS_BETWEEN_CHECKS = 10_000


class DatabaseMissing(StorageUnavailable):
    """The SQLite file does not exist yet."""


class UnfinishedLog(StorageUnavailable):
    """The SQLite file has a write-ahead log that only a starting server may recover."""


@asynccontextmanager
async def inspected(url: str, *, seconds: float = LOOK_SECONDS) -> AsyncIterator[Snapshot]:
    """The stores, for reading. Raises DatabaseMissing if the SQLite file does not exist yet.

    Raises TimeoutError if it takes longer than `seconds`: SQLite itself must be interrupted,
    because a cancelled task would still wait for its statement.
    """
    parsed = make_url(url)
    given_up = threading.Event()
    is_sqlite = parsed.get_backend_name() == "sqlite"
    with translated():
        engine = _sqlite_engine(parsed, given_up) if is_sqlite else _postgres_engine(parsed)
    alarm = asyncio.get_running_loop().call_later(seconds, given_up.set)
    try:
        connection = await _connect(engine)
        try:
            yield Snapshot(AsyncSql(connection))
        except StorageUnavailable as error:
            if given_up.is_set():
                raise TimeoutError from error
            raise
        finally:
            await asyncio.shield(connection.close())
    finally:
        alarm.cancel()
        await engine.dispose()


def place(url: str) -> str:
    """Where a database is, without user and password."""
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        return str(parsed.database)
    host = parsed.host or parsed.normalized_query.get("host", ("localhost",))[0]
    port = "" if parsed.port is None else f":{parsed.port}"
    return f"{parsed.database} on {host}{port}"


async def _connect(engine: AsyncEngine) -> AsyncConnection:
    try:
        with translated():
            return await engine.connect()
    except StorageUnavailable as error:
        raise StorageUnavailable(cause_of(error)) from error


def _postgres_engine(url: URL) -> AsyncEngine:
    return create_async_engine(
        url,
        poolclass=NullPool,
        connect_args={"timeout": CONNECT_SECONDS},
        isolation_level="REPEATABLE READ",
        execution_options={"postgresql_readonly": True},
    )


def _sqlite_engine(url: URL, given_up: threading.Event) -> AsyncEngine:
    address = _read_only(Path(url.database or ""))

    async def connect(*_: Any, **__: Any) -> aiosqlite.Connection:
        connection = await aiosqlite.connect(address, uri=True, timeout=BUSY_SECONDS)
        await connection.set_progress_handler(given_up.is_set, _STEPS_BETWEEN_CHECKS)
        return connection

    return create_async_engine("sqlite+aiosqlite://", poolclass=NullPool, async_creator=connect)


def _read_only(path: Path) -> str:
    """The file's URI; if nobody has it open, it has no log, and SQLite must not create one."""
    if not path.exists():
        raise DatabaseMissing(f"{path} does not exist yet")
    if not path.is_file():
        raise StorageUnavailable("it is no file")
    log = path.with_name(f"{path.name}-wal")
    is_at_rest = not log.exists() or log.stat().st_size == 0
    if not is_at_rest and not path.with_name(f"{path.name}-shm").exists():
        raise UnfinishedLog(f"{log} waits to be taken over by the next start")
    return f"file:{quote(str(path))}?mode=ro{'&immutable=1' if is_at_rest else ''}"
