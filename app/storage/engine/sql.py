"""Sql, AsyncSql and DirectSql: statements on one connection, with errors translated to ours."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Any, Protocol, TypeVar

from sqlalchemy import Connection, CursorResult, Executable, RowMapping
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from app.errors import Duplicate, StorageUnavailable

# As many rows as are converted at once: 200 orders take some 10 ms.
SLICE = 200

T = TypeVar("T")
Parameters = Mapping[str, Any] | Sequence[Mapping[str, Any]]

_LOCKED = "locked"
_FAULTS = (
    ("full", "the disk of the database is full"),
    (_LOCKED, "the database is locked by another process"),
    ("readonly", "the database may not be written"),
    ("unable to open", "the database file cannot be opened"),
    ("malformed", "the database file is damaged: restore it from a backup"),
    ("not a database", "the database file is damaged: restore it from a backup"),
    # From decoding a text value, or SQLite's own message about a name that is not valid text.
    ("decode", "the database file is damaged: restore it from a backup"),
)


async def in_slices(rows: Sequence[RowMapping], load: Callable[[RowMapping], T]) -> list[T]:
    """Load the rows of a list without a bound; others run between slices."""
    loaded: list[T] = []
    for start in range(0, len(rows), SLICE):
        if start:
            await asyncio.sleep(0)
        loaded += map(load, rows[start : start + SLICE])
    return loaded


@contextmanager
def translated() -> Iterator[None]:
    """Translate the driver's errors into ours; their text stays out of the message."""
    try:
        yield
    except IntegrityError as error:
        if "unique" not in str(error.orig).lower():
            raise
        raise Duplicate("a row with this key exists already") from error
    except (DBAPIError, sqlite3.Error, OSError) as error:
        raise StorageUnavailable(in_words(error), is_busy=_LOCKED in str(error)) from error


def in_words(error: BaseException) -> str:
    text = str(error.orig if isinstance(error, DBAPIError) else error).lower()
    found = (words for sign, words in _FAULTS if sign in text)
    return next(found, "the database cannot be reached")


class Sql(Protocol):
    """Runs statements on one connection, one at a time even with several callers."""

    @property
    def dialect(self) -> str: ...

    async def all(
        self, statement: Executable, parameters: Parameters | None = None
    ) -> Sequence[RowMapping]: ...

    async def first(
        self, statement: Executable, parameters: Parameters | None = None
    ) -> RowMapping | None: ...

    async def scalar(self, statement: Executable, parameters: Parameters | None = None) -> Any: ...

    async def run(self, statement: Executable, parameters: Parameters | None = None) -> int:
        """Execute and return the number of affected rows."""
        ...


class AsyncSql:
    """Runs statements through an asynchronous driver, without blocking the event loop."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection
        self._turn = asyncio.Lock()

    @property
    def dialect(self) -> str:
        return self._connection.dialect.name

    async def all(
        self, statement: Executable, parameters: Parameters | None = None
    ) -> Sequence[RowMapping]:
        """All rows; they are here already, but converting their values takes the loop's time."""
        async with self._executed(statement, parameters) as result:
            mappings = result.mappings()
            rows: list[RowMapping] = []
            while some := mappings.fetchmany(SLICE):
                rows += some
                if len(some) == SLICE:
                    await asyncio.sleep(0)
            return rows

    async def first(
        self, statement: Executable, parameters: Parameters | None = None
    ) -> RowMapping | None:
        async with self._executed(statement, parameters) as result:
            return result.mappings().first()

    async def scalar(self, statement: Executable, parameters: Parameters | None = None) -> Any:
        async with self._executed(statement, parameters) as result:
            return result.scalar()

    async def run(self, statement: Executable, parameters: Parameters | None = None) -> int:
        async with self._executed(statement, parameters) as result:
            return result.rowcount

    @asynccontextmanager
    async def _executed(
        self, statement: Executable, parameters: Parameters | None = None
    ) -> AsyncIterator[CursorResult[Any]]:
        async with self._turn:
            with translated():
                yield await self._connection.execute(statement, parameters)


class DirectSql:
    """Runs statements on the event loop: with the write lock held, SQLite takes microseconds.

    Several trips to a driver's thread and back per statement would take ten times as long.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    @property
    def dialect(self) -> str:
        return self._connection.dialect.name

    async def all(
        self, statement: Executable, parameters: Parameters | None = None
    ) -> Sequence[RowMapping]:
        return self._execute(statement, parameters).mappings().all()

    async def first(
        self, statement: Executable, parameters: Parameters | None = None
    ) -> RowMapping | None:
        return self._execute(statement, parameters).mappings().first()

    async def scalar(self, statement: Executable, parameters: Parameters | None = None) -> Any:
        return self._execute(statement, parameters).scalar()

    async def run(self, statement: Executable, parameters: Parameters | None = None) -> int:
        return self._execute(statement, parameters).rowcount

    def _execute(
        self, statement: Executable, parameters: Parameters | None = None
    ) -> CursorResult[Any]:
        with translated():
            return self._connection.execute(statement, parameters)
