"""The database: short transactions that tell what they changed, and snapshots to read from."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from time import perf_counter

from sqlalchemy import URL, Connection, event, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import InvalidatePoolError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry

from app.bus import Bus, Topic
from app.domain.access.audit import AuditOutcome, AuditSubject
from app.domain.orders.events import LoggedEvent
from app.errors import StorageUnavailable
from app.storage.accounts import AccountStore
from app.storage.amendments import AmendmentStore
from app.storage.attempts import Attempt, current_attempt
from app.storage.audit import AuditStore
from app.storage.bots import BotStore
from app.storage.candles import CandleStore
from app.storage.engine.single_hop_cursors import begin_with_next, spare_trips
from app.storage.engine.sql import AsyncSql, Sql, translated
from app.storage.engine.sqlite_writer import BUSY_TIMEOUT_SECONDS, SqliteWriter, prepare_connection
from app.storage.engine.uncancelled import finished
from app.storage.entries import EntryStore
from app.storage.equity import EquityStore
from app.storage.events import EventStore
from app.storage.fills import FillStore
from app.storage.orders import OrderStore
from app.storage.paper import PaperStore
from app.storage.positions import PositionStore
from app.storage.rules import RuleStore
from app.storage.tokens import TokenStore

READERS = 8
REST_SECONDS = 1.0
POLL_SECONDS = 0.1
_RESTS_SINCE = "orderdeck_rests_since"
_IS_MIGRATING = "orderdeck_is_migrating"


class Snapshot:
    """The stores, as they are at one instant."""

    def __init__(self, sql: Sql) -> None:
        self.sql = sql
        self.accounts = AccountStore(sql)
        self.audit = AuditStore(sql)
        self.orders = OrderStore(sql)
        self.fills = FillStore(sql)
        self.events = EventStore(sql)
        self.tokens = TokenStore(sql)
        self.paper = PaperStore(sql)
        self.positions = PositionStore(sql)
        self.equity = EquityStore(sql)
        self.bots = BotStore(sql)
        self.candles = CandleStore(sql)
        self.entries = EntryStore(sql)
        self.amendments = AmendmentStore(sql)
        self.rules = RuleStore(sql)


class Transaction(Snapshot):
    """The stores, to be changed together or not at all; announcements are made after the commit."""

    def __init__(self, sql: Sql, attempt: Attempt | None = None) -> None:
        super().__init__(sql)
        self._attempt = attempt
        self.announced: set[Topic] = set()
        self.afterwards: list[Callable[[], None]] = []

    def announce(self, *topics: Topic) -> None:
        self.announced.update(topics)

    def after_commit(self, act: Callable[[], None]) -> None:
        self.afterwards.append(act)

    async def attempted(self, subject: AuditSubject | None) -> None:
        """Write the audit entry of whoever attempts this; of several changes, with the first."""
        attempt = self._attempt
        if attempt is not None and not attempt.is_written:
            entry = attempt.about(subject)
            await self.audit.insert(entry)
            self.after_commit(partial(attempt.note_written, entry))

    async def attempt_refused(self, code: str) -> None:
        """The exchange has refused what the audit calls done."""
        attempt = self._attempt
        if attempt is not None:
            entry = replace(attempt.entry, outcome=AuditOutcome.REFUSED, code=code)
            await self.audit.conclude(entry)
            self.after_commit(partial(attempt.note_written, entry))


def _time_nothing(_: float) -> None:
    return


class Database:
    """One SQLite file or one PostgreSQL database."""

    def __init__(
        self, url: str, bus: Bus, time_commit: Callable[[float], None] = _time_nothing
    ) -> None:
        self._bus = bus
        self._time_commit = time_commit
        parsed = make_url(url)
        self._writer = _sqlite_writer(parsed, time_commit)
        self._engine = _create_engine(parsed)
        reading = {} if self._writer else _POSTGRES_READING
        self._read_engine = self._engine.execution_options(**reading)
        self._listeners: list[Callable[[Sequence[LoggedEvent]], None]] = []

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        """Commit on a clean exit, then publish what was announced; on an error nothing happened."""
        async with self._writing() as sql:
            transaction = Transaction(sql, current_attempt())
            yield transaction
            logged = await transaction.events.append_pending()
        # Without a pause since the commit, so that listeners hear of commits in their order.
        if logged:
            transaction.announce(Topic.EVENTS)
            for tell in self._listeners:
                tell(logged)
        self._bus.publish(transaction.announced)
        for act in transaction.afterwards:
            act()

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[Snapshot]:
        """Everything read inside is read at one instant: that of the first read."""
        async with _connected(self._read_engine) as connection:
            yield Snapshot(AsyncSql(connection))

    @asynccontextmanager
    async def migrating(self) -> AsyncIterator[AsyncConnection]:
        """One transaction in which the tables themselves may change."""
        if self._writer:
            _make_folder(self._engine.url)
        engine = self._engine.execution_options(**{_IS_MIGRATING: True})
        async with _connected(engine) as connection:
            yield connection
            with translated():
                await connection.commit()
                # Whoever gets this connection next is held to what refers to what.
                await connection.invalidate()

    def tell_commits(self, listener: Callable[[Sequence[LoggedEvent]], None]) -> None:
        """Hand the events of each commit of this process to a listener."""
        self._listeners.append(listener)

    @property
    def is_shared(self) -> bool:
        """Whether other processes may write to it."""
        return self._writer is None

    @property
    def poll_seconds(self) -> float | None:
        """How often to look for what other processes wrote; None where there are none."""
        return None if self._writer else POLL_SECONDS

    async def close(self) -> None:
        if self._writer:
            self._writer.close()
        await self._engine.dispose()

    def _writing(self) -> AbstractAsyncContextManager[Sql]:
        return self._writer.transaction() if self._writer else self._writing_postgres()

    @asynccontextmanager
    async def _writing_postgres(self) -> AsyncIterator[Sql]:
        async with _connected(self._engine) as connection:
            yield AsyncSql(connection)
            began = perf_counter()
            with translated():
                await connection.commit()
            self._time_commit(perf_counter() - began)


_POSTGRES_READING = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}


@asynccontextmanager
async def _connected(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    with translated():
        connection = await _opened(engine)
    try:
        yield connection
    finally:
        await _closed(connection)


async def _opened(engine: AsyncEngine) -> AsyncConnection:
    """A cancelled task must not leave one behind that nobody knows of: it would keep the file."""
    opening = asyncio.ensure_future(_open(engine))
    try:
        await finished(opening)
    except asyncio.CancelledError:
        if opening.exception() is None:
            await _closed(opening.result())
        raise
    return opening.result()


async def _open(engine: AsyncEngine) -> AsyncConnection:
    return await engine.connect()


async def _closed(connection: AsyncConnection) -> None:
    """A cancelled task too waits until its connection is given back."""
    closing = asyncio.ensure_future(_give_back(connection))
    await finished(closing)
    # One that was lost, as by being cancelled, is dropped: its work is done, or tells why not.
    with suppress(StorageUnavailable):
        closing.result()


async def _give_back(connection: AsyncConnection) -> None:
    with translated():
        await connection.close()


def _sqlite_writer(url: URL, time_commit: Callable[[float], None]) -> SqliteWriter | None:
    return (
        SqliteWriter(url, time_commit=time_commit) if url.get_backend_name() == "sqlite" else None
    )


def _make_folder(url: URL) -> None:
    if url.database:
        Path(url.database).parent.mkdir(mode=0o700, parents=True, exist_ok=True)


def _create_engine(url: URL) -> AsyncEngine:
    if url.get_backend_name() != "sqlite":
        return _engine_of_server(url)
    engine = create_async_engine(
        url,
        pool_size=READERS,
        max_overflow=READERS,
        connect_args={"timeout": BUSY_TIMEOUT_SECONDS, "isolation_level": None},
    )
    spare_trips(engine)
    event.listen(engine.sync_engine, "connect", prepare_connection)
    event.listen(engine.sync_engine, "begin", _begin_sqlite)
    return engine


def _engine_of_server(url: URL) -> AsyncEngine:
    engine = create_async_engine(url, pool_size=READERS, max_overflow=READERS)
    dialect = engine.dialect

    def rest(_: DBAPIConnection, record: ConnectionPoolEntry) -> None:
        record.info[_RESTS_SINCE] = time.monotonic()

    def wake(connection: DBAPIConnection, record: ConnectionPoolEntry, _: object) -> None:
        """One that has rested may have lost its server; asking each time costs three messages."""
        since = record.info.get(_RESTS_SINCE)
        if since is None or time.monotonic() - since < REST_SECONDS:
            return
        try:
            dialect.do_ping(connection)
        except dialect.loaded_dbapi.Error as error:
            raise InvalidatePoolError from error

    event.listen(engine.sync_engine, "checkin", rest)
    event.listen(engine.sync_engine, "checkout", wake)
    return engine


def _begin_sqlite(connection: Connection) -> None:
    if connection.get_execution_options().get(_IS_MIGRATING):
        # Building a table anew drops it for a moment, and with it what others refer to.
        connection.exec_driver_sql("PRAGMA foreign_keys = OFF")
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    else:
        begin_with_next(connection)
