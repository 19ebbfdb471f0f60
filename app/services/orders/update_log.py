"""The log of order updates: subscribers follow it from a cursor, without a loss or a repeat."""

import asyncio
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta

import structlog

from app.bus import Bus, Topic
from app.domain.orders.events import LoggedEvent, LogPosition
from app.domain.orders.filters import OrderFilter
from app.errors import CursorExpired, CursorInvalid, StorageError
from app.ports import Clock
from app.storage.database import Database
from app.storage.events import EventStore, LogState

TAIL_SIZE = 1024
# Small, because each lagging subscriber holds a batch of decoded events.
BATCH = 32
# Cap on lagging subscribers reading the log at once, so they cannot use up the connection pool.
MOST_READING = 4
RETRY_SECONDS = 1.0
PRUNE_SECONDS = 3600.0
PRUNE_BATCH = 200

_logger = structlog.get_logger(__name__)


class OrderLog:
    """Serves subscribers from a tail in memory, and lagging ones from the database."""

    def __init__(
        self, database: Database, bus: Bus, clock: Clock, *, tail_size: int = TAIL_SIZE
    ) -> None:
        self._database = database
        self._bus = bus
        self._clock = clock
        self._tail_size = tail_size
        self._tail: dict[int, LoggedEvent] = {}
        self._last = 0
        self._readers: set[_Reader] = set()
        self._reading = asyncio.Semaphore(MOST_READING)
        database.tell_commits(self._on_commit)

    async def open(self) -> None:
        """Start the tail at the newest event; older ones are read from the database."""
        async with self._database.snapshot() as view:
            self._last = (await view.events.state()).head.seq

    async def run(self) -> None:
        """Keep the tail complete, with the events that other processes write."""
        with self._bus.listen(Topic.BEHIND) as listener:
            while True:
                try:
                    await self._read_on()
                except StorageError as error:
                    _logger.warning("log.unreadable", error=str(error))
                    await self._clock.sleep(RETRY_SECONDS)
                    continue
                await listener.wait_at_most(self._database.poll_seconds)

    async def resume(self, cursor: str, *, field: str = "after") -> int:
        """Check a cursor; returns the number of its event, to follow from there."""
        async with self._reading, self._database.snapshot() as view:
            return await _checked(view.events, await view.events.state(), cursor, field)

    @property
    def head(self) -> int:
        """The number of the newest event in the tail."""
        return self._last

    @property
    def readers(self) -> int:
        return len(self._readers)

    @property
    def furthest_behind(self) -> int:
        """How many events the slowest subscriber lags behind."""
        return max((self._last - reader.seq for reader in self._readers), default=0)

    async def follow(self, after: int, wanted: OrderFilter) -> AsyncGenerator[LoggedEvent, None]:
        """Yield every matching event after this number, in order, without end."""
        with self._bus.listen(Topic.FEED) as listener, self._reader(after) as reader:
            while True:
                batch = await self._next(reader.seq)
                if not batch:
                    await listener.wait()
                for logged in batch:
                    reader.seq = logged.position.seq
                    event = logged.event
                    if wanted.matches_change(event.previous_status, event.order):
                        yield logged

    async def prune(self, retention: timedelta, *, batch: int = PRUNE_BATCH) -> int:
        """Delete the events of orders that closed longer ago than this; returns how many.

        The log is read from its oldest event on, and each transaction deletes a few, so that an
        order waits for one short transaction at most.
        """
        before = self._clock.now() - retention
        pruned, seq = 0, 0
        while True:
            async with self._database.snapshot() as view:
                found = await view.events.prunable(seq, before, limit=batch)
            if found is None:
                return pruned
            if found.orders:
                async with self._database.transaction() as tx:
                    pruned += await tx.events.prune(found, before)
            seq = found.until

    async def run_pruning(self, retention: timedelta) -> None:
        while True:
            try:
                pruned = await self.prune(retention)
                _logger.info("log.pruned", events=pruned)
            except StorageError as error:
                _logger.warning("log.not_pruned", error=str(error))
            await self._clock.sleep(PRUNE_SECONDS)

    @contextmanager
    def _reader(self, after: int) -> Iterator["_Reader"]:
        reader = _Reader(after)
        self._readers.add(reader)
        try:
            yield reader
        finally:
            self._readers.discard(reader)

    async def _read_on(self) -> None:
        while True:
            async with self._database.snapshot() as view:
                batch = await view.events.after(self._last, limit=BATCH)
            self._keep(batch)
            if len(batch) < BATCH:
                return

    def look(self) -> None:
        """Have the log read: another process may have written events."""
        self._bus.publish([Topic.BEHIND])

    def _on_commit(self, committed: Sequence[LoggedEvent]) -> None:
        """Keep the events of a commit; if another process wrote some in between, read the log."""
        if committed[0].position.seq == self._last + 1:
            self._keep(committed)
        else:
            self.look()

    def _keep(self, batch: Sequence[LoggedEvent]) -> None:
        for logged in batch:
            if logged.position.seq > self._last:
                self._last = logged.position.seq
                self._tail[self._last] = logged
                self._tail.pop(self._last - self._tail_size, None)
        if batch:
            self._bus.publish([Topic.FEED])

    async def _next(self, seq: int) -> list[LoggedEvent]:
        if seq >= self._last:
            return []
        following = self._tail.get(seq + 1)
        if following is not None:
            return [following]
        async with self._reading, self._database.snapshot() as view:
            if seq < (await view.events.state()).horizon:
                raise CursorExpired(
                    "the log no longer reaches back to this cursor", field=("after",)
                )
            return await view.events.after(seq, limit=BATCH)


class _Reader:
    """How far one subscriber has read."""

    __slots__ = ("seq",)

    def __init__(self, seq: int) -> None:
        self.seq = seq


async def _checked(events: EventStore, state: LogState, cursor: str, field: str) -> int:
    position = LogPosition.decode(cursor, field=field)
    if position.log != state.head.log:
        raise CursorInvalid(f"{field} is a cursor of another database", field=(field,))
    if position.seq < state.horizon:
        raise CursorExpired(
            f"the log no longer reaches back to {field}: read the list anew", field=(field,)
        )
    tag = await events.tag_of(position.seq) if position.seq else ""
    was_pruned = tag is None and position.seq == state.horizon
    if position.seq > state.head.seq or not (tag == position.tag or was_pruned):
        raise CursorInvalid(
            f"{field} points to nothing in this log; was the database restored from a backup?",
            field=(field,),
        )
    return position.seq
