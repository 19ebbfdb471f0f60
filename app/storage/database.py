"""Database: short transactions that announce their changes, and read-only snapshots."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import (
    AbstractAsyncContextManager,
    asynccontextmanager,
    contextmanager,
    suppress,
)
from contextvars import ContextVar
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
from app.primitives.fair_line import FairLine, current_party
from app.storage.accounts import AccountStore
from app.storage.amendments import AmendmentStore
from app.storage.attempts import Attempt, current_attempt
from app.storage.audit import AuditStore
from app.storage.bots import BotStore
from app.storage.candles import CandleStore
from app.storage.engine.presence import OneOfMany, OnlyProcess, Presence
from app.storage.engine.single_hop_cursors import begin_with_next, use_single_hop_cursors
from app.storage.engine.sql import AsyncSql, Sql, translated
from app.storage.engine.sqlite_writer import BUSY_TIMEOUT_SECONDS, SqliteWriter, prepare_connection
from app.storage.engine.uncancelled import wait_uncancelled
from app.storage.entries import EntryStore
from app.storage.equity import EquityStore
from app.storage.events import EventStore
from app.storage.fills import FillStore
from app.storage.orders import OrderStore
from app.storage.paper import PaperStore
from app.storage.positions import PositionStore
from app.storage.rules import RuleStore
from app.storage.tokens import TokenStore

# Connections for reading that is the product's own (the gate, lookups, the log), for views that
# clients ask for, and on PostgreSQL for writing. None of them is lent to another purpose.
OWN_READERS = 6
VIEWERS = 6
WRITERS = 6
MOST_IN_COMMIT = 32
REST_SECONDS = 1.0
POLL_SECONDS = 0.1
_RESTS_SINCE = "orderdeck_rests_since"
_IS_MIGRATING = "orderdeck_is_migrating"


class Snapshot:
    """All stores as of one instant, for reading."""

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
    """All stores, changed together or not at all; announcements go out after the commit."""

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
        """Write the audit entry of the attempt, once: with the first of its changes."""
        attempt = self._attempt
        if attempt is not None and not attempt.is_written:
            entry = attempt.about(subject)
            await self.audit.insert(entry)
            self.after_commit(partial(attempt.note_written, entry))

    async def attempt_refused(self, code: str) -> None:
        """Mark the audit entry as refused, because the exchange has refused the change."""
        attempt = self._attempt
        if attempt is not None:
            entry = replace(attempt.entry, outcome=AuditOutcome.REFUSED, code=code)
            await self.audit.conclude(entry)
            self.after_commit(partial(attempt.note_written, entry))


def _ignore_time(_: float) -> None:
    return


class Database:
    """One SQLite file or one PostgreSQL database."""

    def __init__(
        self, url: str, bus: Bus, time_commit: Callable[[float], None] = _ignore_time
    ) -> None:
        self._bus = bus
        self._time_commit = time_commit
        parsed = make_url(url)
        self._writer = _sqlite_writer(parsed, time_commit)
        self._engine = _create_engine(parsed)
        reading = {} if self._writer else _POSTGRES_READING
        self._read_engine = self._engine.execution_options(**reading)
        self._own_readers = FairLine(places=OWN_READERS, most_each=OWN_READERS - 1)
        self._viewers = FairLine(places=VIEWERS, most_each=VIEWERS)
        # SQLite has one writer, and commits for all that wait for it at the same time.
        self._writers = (
            FairLine(places=MOST_IN_COMMIT, most_each=MOST_IN_COMMIT * 3 // 4)
            if self._writer
            else FairLine(places=WRITERS, most_each=WRITERS - 1)
        )
        self.presence: Presence = OnlyProcess() if self._writer else OneOfMany(self._engine)
        self._listeners: list[Callable[[Sequence[LoggedEvent]], None]] = []

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        """Commit on a clean exit, then publish the announcements; on an error, roll back."""
        with _holding_one():
            async with self._writers.place(current_party()), self._writing() as sql:
                transaction = Transaction(sql, current_attempt())
                yield transaction
                logged = await transaction.events.append_pending()
        # No await between the commit and here, so that listeners get commits in their order.
        if logged:
            transaction.announce(Topic.EVENTS)
            for listener in self._listeners:
                listener(logged)
        self._bus.publish(transaction.announced)
        for act in transaction.afterwards:
            act()

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[Snapshot]:
        """Stores whose reads all see one instant: that of the first read.

        For short reads: nothing may be awaited inside that is not a read of this snapshot.
        """
        async with self._reading(self._own_readers) as snapshot:
            yield snapshot

    @asynccontextmanager
    async def client_snapshot(self) -> AsyncIterator[Snapshot]:
        """A snapshot for a client, which may take its time: it keeps out no read of our own."""
        async with self._reading(self._viewers) as snapshot:
            yield snapshot

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
                # Foreign keys are off on this connection: nobody else may get it from the pool.
                await connection.invalidate()

    def tell_commits(self, listener: Callable[[Sequence[LoggedEvent]], None]) -> None:
        """Hand the events of each commit of this process to a listener."""
        self._listeners.append(listener)

    @property
    def is_shared(self) -> bool:
        """Whether other processes may write to this database."""
        return self._writer is None

    @property
    def poll_seconds(self) -> float | None:
        """How often to poll for other processes' commits; None if there are no other processes."""
        return None if self._writer else POLL_SECONDS

    async def close(self) -> None:
        await self.presence.leave()
        if self._writer:
            self._writer.close()
        await self._engine.dispose()

    @asynccontextmanager
    async def _reading(self, line: FairLine) -> AsyncIterator[Snapshot]:
        with _holding_one():
            async with (
                line.place(current_party()),
                _connected(self._read_engine) as connection,
            ):
                yield Snapshot(AsyncSql(connection))

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


class _Hold:
    """Whether a connection is held by the code that began with it."""

    def __init__(self) -> None:
        self.is_open = True


_hold: ContextVar[_Hold | None] = ContextVar("hold", default=None)


@contextmanager
def _holding_one() -> Iterator[None]:
    """Refuse to wait for a connection while holding another: enough such waits never end."""
    outer = _hold.get()
    if outer is not None and outer.is_open:
        raise RuntimeError("a second connection to the database was asked for inside the first")
    hold = _Hold()
    _hold.set(hold)
    try:
        yield
    finally:
        hold.is_open = False


_POSTGRES_READING = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}


@asynccontextmanager
async def _connected(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    with translated():
        connection = await _open_connection(engine)
    try:
        yield connection
    finally:
        await _return_connection(connection)


async def _open_connection(engine: AsyncEngine) -> AsyncConnection:
    """Open a connection; a cancelled task closes it, or the file would stay open for ever."""
    opening = asyncio.ensure_future(_connect(engine))
    try:
        await wait_uncancelled(opening)
    except asyncio.CancelledError:
        if opening.exception() is None:
            await _return_connection(opening.result())
        raise
    return opening.result()


async def _connect(engine: AsyncEngine) -> AsyncConnection:
    return await engine.connect()


async def _return_connection(connection: AsyncConnection) -> None:
    """Return the connection to the pool; even a cancelled task waits for that."""
    closing = asyncio.ensure_future(_give_back(connection))
    await wait_uncancelled(closing)
    # A connection broken by cancellation is discarded; its transaction has succeeded or raised.
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
        pool_size=OWN_READERS + VIEWERS,
        max_overflow=0,
        connect_args={"timeout": BUSY_TIMEOUT_SECONDS, "isolation_level": None},
    )
    use_single_hop_cursors(engine)
    event.listen(engine.sync_engine, "connect", prepare_connection)
    event.listen(engine.sync_engine, "begin", _begin_sqlite)
    return engine


def _engine_of_server(url: URL) -> AsyncEngine:
    # And one that shows the other processes that this one lives.
    size = OWN_READERS + VIEWERS + WRITERS + 1
    engine = create_async_engine(url, pool_size=size, max_overflow=0)
    dialect = engine.dialect

    def rest(_: DBAPIConnection, record: ConnectionPoolEntry) -> None:
        record.info[_RESTS_SINCE] = time.monotonic()

    def wake(connection: DBAPIConnection, record: ConnectionPoolEntry, _: object) -> None:
        """Ping a connection that has been idle; pinging every time would cost three messages."""
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
        # Rebuilding a table drops it for a moment, which would break the foreign keys to it.
        connection.exec_driver_sql("PRAGMA foreign_keys = OFF")
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    else:
        begin_with_next(connection)
