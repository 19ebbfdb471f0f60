"""aiosqlite cursors that need one trip to the driver's thread per statement instead of four."""

import sqlite3
from collections.abc import Sequence
from typing import Any, cast

import aiosqlite
from sqlalchemy import Connection, Dialect, event
from sqlalchemy.dialects.sqlite.aiosqlite import (
    AsyncAdapt_aiosqlite_connection,
    AsyncAdapt_aiosqlite_cursor,
)
from sqlalchemy.ext.asyncio import AsyncEngine


def use_single_hop_cursors(engine: AsyncEngine) -> None:
    """Use these cursors for every connection that the engine opens from now on."""
    event.listen(engine.sync_engine, "do_connect", _connected)


def _connected(
    dialect: Dialect, _record: object, arguments: Sequence[Any], options: dict[str, Any]
) -> "_Connection":
    usual: Any = dialect.connect(*arguments, **options)
    return _Connection(dialect.loaded_dbapi, usual.driver_connection)


def begin_with_next(connection: Connection) -> None:
    """Begin the transaction on the same trip as its first statement."""
    cast("_Connection", connection.connection.dbapi_connection).is_to_begin = True


class _Cursor:
    """The cursor methods that SQLAlchemy needs; it fetches all rows with the statement."""

    arraysize = 1

    def __init__(self, adapted: "_Connection", connection: aiosqlite.Connection) -> None:
        self._adapted = adapted
        self._connection = connection
        self._rows: list[Any] = []
        self.description: Any = None
        self.rowcount = -1
        self.lastrowid: int | None = None

    async def __aenter__(self) -> "_Cursor":
        return self

    async def execute(self, statement: str, parameters: Any = ()) -> None:
        await self._run_on_thread("execute", statement, parameters)

    async def executemany(self, statement: str, parameters: Any) -> None:
        await self._run_on_thread("executemany", statement, parameters)

    async def fetchall(self) -> list[Any]:
        rows, self._rows = self._rows, []
        return rows

    async def close(self) -> None:
        self._rows = []

    async def _run_on_thread(self, how: str, statement: str, parameters: Any) -> None:
        # Private, but aiosqlite has no public way to run a function on its thread.
        run_on_thread: Any = self._connection._execute  # noqa: SLF001
        done = await run_on_thread(self._run, how, statement, parameters)
        self.description, self.rowcount, self.lastrowid, self._rows = done

    def _run(self, how: str, statement: str, parameters: Any) -> tuple[Any, ...]:
        """Runs on the driver's thread."""
        raw: sqlite3.Connection = self._connection._conn  # noqa: SLF001
        if self._adapted.is_to_begin:
            raw.execute("BEGIN")
            self._adapted.is_to_begin = False
        cursor = raw.cursor()
        try:
            getattr(cursor, how)(statement, parameters)
            rows = cursor.fetchall() if cursor.description else []
            return cursor.description, cursor.rowcount, cursor.lastrowid, rows
        finally:
            cursor.close()


class _AdaptedCursor(AsyncAdapt_aiosqlite_cursor):
    __slots__ = ()

    def _make_new_cursor(self, connection: Any) -> Any:
        return _Cursor(cast("_Connection", self._adapt_connection), connection)


class _Connection(AsyncAdapt_aiosqlite_connection):
    __slots__ = ("is_to_begin",)

    _cursor_cls = _AdaptedCursor

    def __init__(self, dbapi: Any, connection: Any) -> None:
        super().__init__(dbapi, connection)
        self.is_to_begin = False

    def rollback(self) -> None:
        self.is_to_begin = False
        raw: sqlite3.Connection | None = self._connection._connection  # noqa: SLF001
        if raw is not None and raw.in_transaction:
            super().rollback()
