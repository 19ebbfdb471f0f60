"""The database: short transactions that tell what they changed, and snapshots to read from."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from pathlib import Path
from typing import Any

from sqlalchemy import event, make_url
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from app.bus import Bus, Topic
from app.storage.accounts import AccountStore
from app.storage.events import EventStore
from app.storage.fills import FillStore
from app.storage.orders import OrderStore
from app.storage.paper import PaperStore
from app.storage.sql import Sql, translated
from app.storage.tokens import TokenStore

BUSY_TIMEOUT_SECONDS = 10
READERS = 8
POLL_SECONDS = 0.1
_BEGIN = "orderdeck_begin"


class Snapshot:
    """The stores, as they are at one instant."""

    def __init__(self, sql: Sql) -> None:
        self.sql = sql
        self.accounts = AccountStore(sql)
        self.orders = OrderStore(sql)
        self.fills = FillStore(sql)
        self.events = EventStore(sql)
        self.tokens = TokenStore(sql)
        self.paper = PaperStore(sql)


class Transaction(Snapshot):
    """The stores, to be changed together or not at all; announcements are made after the commit."""

    def __init__(self, sql: Sql) -> None:
        super().__init__(sql)
        self.announced: set[Topic] = set()

    def announce(self, topic: Topic) -> None:
        self.announced.add(topic)


class Database:
    """One SQLite file or one PostgreSQL database."""

    def __init__(self, url: str, bus: Bus) -> None:
        self._bus = bus
        self._engine = _create_engine(url)
        self._reading, self._writing = _OPTIONS[self._engine.dialect.name]
        # SQLite has one writer, and waiting here is cheaper than in its busy handler.
        self._writer: AbstractAsyncContextManager[Any] = (
            asyncio.Lock() if self._engine.dialect.name == "sqlite" else nullcontext()
        )

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        """Commit on a clean exit, then publish what was announced; on an error nothing happened."""
        async with self._writer, self._connected(self._writing) as connection:
            transaction = Transaction(Sql(connection))
            yield transaction
            if await transaction.events.append_pending():
                transaction.announce(Topic.EVENTS)
            with translated():
                await connection.commit()
        self._bus.publish(transaction.announced)

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[Snapshot]:
        """Everything read inside is read at one instant: that of the first read."""
        async with self._connected(self._reading) as connection:
            yield Snapshot(Sql(connection))

    @asynccontextmanager
    async def migrating(self) -> AsyncIterator[AsyncConnection]:
        """One transaction in which the tables themselves may change."""
        async with self._writer, self._connected(self._writing) as connection:
            yield connection
            with translated():
                await connection.commit()

    async def close(self) -> None:
        await self._engine.dispose()

    @property
    def poll_seconds(self) -> float | None:
        """How often to look for what other processes wrote; None where there are none."""
        return None if self._engine.dialect.name == "sqlite" else POLL_SECONDS

    @asynccontextmanager
    async def _connected(self, options: dict[str, Any]) -> AsyncIterator[AsyncConnection]:
        with translated():
            connection = await self._engine.connect()
        try:
            with translated():
                connection = await connection.execution_options(**options)
                await connection.begin()
            yield connection
        finally:
            # A cancelled task must still give its connection back before the next writer begins.
            await asyncio.shield(_give_back(connection))


# A snapshot and a write transaction, in the words of each database.
_OPTIONS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "sqlite": ({_BEGIN: "BEGIN"}, {_BEGIN: "BEGIN IMMEDIATE"}),
    "postgresql": (
        {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True},
        {"isolation_level": "READ COMMITTED"},
    ),
}


async def _give_back(connection: AsyncConnection) -> None:
    with translated():
        await connection.close()


def _create_engine(url: str) -> AsyncEngine:
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite":
        return create_async_engine(
            parsed, pool_size=READERS, max_overflow=READERS, pool_pre_ping=True
        )
    if parsed.database:
        Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
    engine = create_async_engine(
        parsed,
        pool_size=READERS,
        max_overflow=READERS,
        connect_args={"timeout": BUSY_TIMEOUT_SECONDS, "isolation_level": None},
    )
    event.listen(engine.sync_engine, "connect", _prepare_sqlite)
    event.listen(engine.sync_engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute("PRAGMA synchronous = FULL")
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.close()


def _begin_sqlite(connection: Any) -> None:
    connection.exec_driver_sql(connection.get_execution_options().get(_BEGIN, "BEGIN"))
