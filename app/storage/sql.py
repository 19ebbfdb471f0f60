"""One connection to the database, used by one statement at a time, with its errors made ours."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Executable, RowMapping
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from app.errors import Duplicate, StorageUnavailable

_FAULTS = (
    ("full", "the disk of the database is full"),
    ("locked", "the database is locked by another process"),
    ("readonly", "the database may not be written"),
    ("unable to open", "the database file cannot be opened"),
    ("malformed", "the database file is damaged: restore it from a backup"),
    ("not a database", "the database file is damaged: restore it from a backup"),
)


@contextmanager
def translated() -> Iterator[None]:
    """Turn the driver's errors into ours; their text stays inside."""
    try:
        yield
    except IntegrityError as error:
        if "unique" not in str(error.orig).lower():
            raise
        raise Duplicate("a row with this key exists already") from error
    except (DBAPIError, OSError) as error:
        raise StorageUnavailable(_in_words(error)) from error


def _in_words(error: Exception) -> str:
    text = str(error.orig if isinstance(error, DBAPIError) else error).lower()
    found = (words for sign, words in _FAULTS if sign in text)
    return next(found, "the database cannot be reached")


class Sql:
    """Statements on one connection, one after the other, whoever asks."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection
        self._turn = asyncio.Lock()

    @property
    def dialect(self) -> str:
        return self._connection.dialect.name

    async def all(self, statement: Executable) -> Sequence[RowMapping]:
        async with self._turn:
            with translated():
                result = await self._connection.execute(statement)
                return result.mappings().all()

    async def first(self, statement: Executable) -> RowMapping | None:
        async with self._turn:
            with translated():
                result = await self._connection.execute(statement)
                return result.mappings().first()

    async def scalar(self, statement: Executable) -> Any:
        async with self._turn:
            with translated():
                return await self._connection.scalar(statement)

    async def run(
        self,
        statement: Executable,
        parameters: Mapping[str, Any] | Sequence[Mapping[str, Any]] | None = None,
    ) -> int:
        """Execute and say how many rows it concerned."""
        async with self._turn:
            with translated():
                result = await self._connection.execute(statement, parameters)
                return result.rowcount
