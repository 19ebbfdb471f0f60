"""Presence: whether other processes work on the same database, shown by a lock of the database."""

from contextlib import suppress
from typing import Protocol

from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from app.errors import StorageUnavailable
from app.storage.engine.sql import translated

# Any number that no other program uses for its locks on the same database.
_KEY = 7_205_759_403_792_793
_ALONE = text(f"SELECT pg_try_advisory_lock({_KEY})")
_BE_SEEN = text(f"SELECT pg_advisory_lock_shared({_KEY})")
_LET_IN = text(f"SELECT pg_advisory_unlock({_KEY})")
_PING = text("SELECT 1")


class Presence(Protocol):
    """Shows the other processes of a database that this one lives, until it ends."""

    async def enter(self) -> bool:
        """Be seen from now on; returns whether no other process lives.

        If so, those that start wait until let_in is called.
        """
        ...

    async def let_in(self) -> None: ...

    async def check(self) -> None:
        """Be seen again if the connection was lost."""
        ...

    async def leave(self) -> None: ...


class OnlyProcess:
    """Of a SQLite file, which has one server at a time: its lock file sees to that."""

    async def enter(self) -> bool:
        return True

    async def let_in(self) -> None:
        return

    async def check(self) -> None:
        return

    async def leave(self) -> None:
        return


class OneOfMany:
    """Of a PostgreSQL database. The lock belongs to a connection, and goes with the process."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine.execution_options(isolation_level="AUTOCOMMIT")
        self._connection: AsyncConnection | None = None
        self._is_alone = False

    async def enter(self) -> bool:
        try:
            with translated():
                self._connection = await self._engine.connect()
                self._is_alone = bool((await self._connection.execute(_ALONE)).scalar_one())
                await self._connection.execute(_BE_SEEN)
        except BaseException:
            await self.leave()
            raise
        return self._is_alone

    async def let_in(self) -> None:
        if self._connection is not None and self._is_alone:
            self._is_alone = False
            with translated():
                await self._connection.execute(_LET_IN)

    async def check(self) -> None:
        if self._connection is None or not await self._answers(self._connection):
            await self.leave()
            await self.enter()
            await self.let_in()

    async def _answers(self, connection: AsyncConnection) -> bool:
        try:
            with translated():
                await connection.execute(_PING)
        except StorageUnavailable:
            return False
        return True

    async def leave(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            # A connection in the pool would keep the lock.
            with suppress(SQLAlchemyError, OSError):
                await connection.invalidate()
                await connection.close()
