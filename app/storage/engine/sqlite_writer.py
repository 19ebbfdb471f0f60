"""SqliteWriter, a SQLite file's only writer: transactions that wait share the next commit."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from time import perf_counter
from typing import Any

from sqlalchemy import URL, Connection, create_engine, event
from sqlalchemy.pool import StaticPool

from app.errors import StorageUnavailable
from app.storage.engine.sql import DirectSql, Sql, in_words, translated
from app.storage.engine.uncancelled import wait_uncancelled

BUSY_TIMEOUT_SECONDS = 10.0
BUSY_PAUSE_SECONDS = 0.005


class _Batch:
    """Transactions that are committed together."""

    def __init__(self) -> None:
        self.committed: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def fail(self, failure: StorageUnavailable) -> None:
        self.committed.set_exception(failure)
        self.committed.exception()  # marks it as retrieved: perhaps nobody waits for it


class SqliteWriter:
    """Runs one transaction after another, each in a savepoint of its own (group commit).

    The first transaction of a batch leads: it lets in those that are already waiting for their
    turn, and then commits for all of them.
    """

    def __init__(
        self,
        url: URL,
        *,
        busy_seconds: float = BUSY_TIMEOUT_SECONDS,
        time_commit: Callable[[float], None] = lambda _: None,
    ) -> None:
        self._time_commit = time_commit
        self._busy_seconds = busy_seconds
        self._engine = create_engine(
            url.set(drivername="sqlite"),
            isolation_level="AUTOCOMMIT",
            poolclass=StaticPool,
            connect_args={"timeout": 0, "check_same_thread": False},
        )
        event.listen(self._engine, "connect", prepare_connection)
        self._opened: tuple[Connection, sqlite3.Connection] | None = None
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="sqlite-commit")
        self._turn = asyncio.Lock()
        self._batch: _Batch | None = None

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Sql]:
        """Return once the commit is on disk; an error inside undoes only this transaction."""
        async with self._turn:
            leads = self._batch is None
            batch = self._batch or await self._begin()
            connection, raw = self._open()
            raw.execute("SAVEPOINT one")
            try:
                yield DirectSql(connection)
                with translated():
                    raw.execute("RELEASE one")
            except BaseException as error:
                self._undo(batch, error, is_alone=leads)
                raise
        await (self._lead(batch) if leads else asyncio.shield(batch.committed))

    @property
    def is_idle(self) -> bool:
        return not self._turn.locked()

    def close(self) -> None:
        self._thread.shutdown()
        if self._opened is not None:
            self._opened[0].close()
        self._engine.dispose()

    def _open(self) -> tuple[Connection, sqlite3.Connection]:
        if self._opened is None:
            connection = self._engine.connect()
            raw = connection.connection.driver_connection
            assert isinstance(raw, sqlite3.Connection)  # noqa: S101  what this dialect gives
            self._opened = connection, raw
        return self._opened

    async def _begin(self) -> _Batch:
        """Begin a batch; while another process writes, wait without blocking the event loop."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._busy_seconds
        while True:
            try:
                with translated():
                    self._open()[1].execute("BEGIN IMMEDIATE")
            except StorageUnavailable as error:
                if not error.is_busy or loop.time() > deadline:
                    raise
                await asyncio.sleep(BUSY_PAUSE_SECONDS)
            else:
                self._batch = _Batch()
                return self._batch

    def _undo(self, batch: _Batch, error: BaseException, *, is_alone: bool) -> None:
        _, raw = self._open()
        if raw.in_transaction and not is_alone:
            raw.execute("ROLLBACK TO one")
            raw.execute("RELEASE one")
            return
        # Alone in its batch; or the disk is full and SQLite itself has undone the whole batch.
        if raw.in_transaction:
            raw.execute("ROLLBACK")
        self._batch = None
        batch.fail(StorageUnavailable(f"undone with another transaction: {error}"))

    async def _lead(self, batch: _Batch) -> None:
        """Take a second turn, behind all transactions that wait by now, and commit for all."""
        interrupted = await self._take_turn()
        try:
            if self._batch is batch:
                self._batch = None
                await self._commit(batch)
        finally:
            self._turn.release()
        await batch.committed
        if interrupted is not None:
            raise interrupted

    async def _take_turn(self) -> asyncio.CancelledError | None:
        """Acquire the turn; a cancellation is postponed, because others wait for this commit."""
        interrupted = None
        while True:
            try:
                await self._turn.acquire()
            except asyncio.CancelledError as error:
                interrupted = error
            else:
                return interrupted

    async def _commit(self, batch: _Batch) -> None:
        """Commit on a thread of its own, because it waits for the disk."""
        _, raw = self._open()
        began = perf_counter()
        writing = asyncio.get_running_loop().run_in_executor(self._thread, raw.execute, "COMMIT")
        try:
            await wait_uncancelled(writing)
        finally:
            self._time_commit(perf_counter() - began)
            self._settle(batch, writing)

    def _settle(self, batch: _Batch, writing: "asyncio.Future[Any]") -> None:
        error = writing.exception()
        if error is None:
            batch.committed.set_result(None)
            return
        _, raw = self._open()
        if raw.in_transaction:
            raw.execute("ROLLBACK")
        failure = StorageUnavailable(in_words(error))
        failure.__cause__ = error
        batch.fail(failure)


def prepare_connection(connection: Any, _record: Any) -> None:
    """Set the PRAGMAs of a new connection to a SQLite file."""
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute("PRAGMA synchronous = FULL")
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.close()
