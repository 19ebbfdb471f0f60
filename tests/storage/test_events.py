"""The numbers of the log are given out in commit order."""

import asyncio
from decimal import Decimal

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from app.bus import Bus, Topic
from app.domain.accounts import AccountMode
from app.domain.orders import changes
from app.domain.orders.changes import Change
from app.domain.orders.events import LoggedEvent
from app.errors import Duplicate, StaleRevision, StorageError
from app.storage.database import Database, Transaction
from tests.conftest import START, on_each_database
from tests.support.callers import elsewhere
from tests.support.makers import make_order

pytestmark = on_each_database

WRITERS = 8
ORDERS_EACH = 25


async def add_account(database: Database) -> None:
    async with database.transaction() as tx:
        await tx.accounts.insert("paper", "paper", AccountMode.PAPER, START)


async def insert_order(tx: Transaction, name: str) -> None:
    order = make_order(
        id=f"{name:0>26}", client_order_id=name, wire_id=f"w{name}", amount=Decimal(1)
    )
    await tx.orders.insert(order, "{}")
    tx.events.append(changes.submitted(order).event)


LINGER = """
    CREATE FUNCTION linger() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN PERFORM pg_sleep(random() * 0.01); RETURN NULL; END $$
"""
LINGER_ON_COMMIT = """
    CREATE CONSTRAINT TRIGGER linger AFTER INSERT ON events DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION linger()
"""


async def stretch_commits(database: Database) -> None:
    """Let time pass between the numbering and the end of the commit, where there is any."""
    async with database.migrating() as connection:
        if connection.dialect.name == "postgresql":
            for statement in (LINGER, LINGER_ON_COMMIT):
                await connection.execute(text(statement))


async def test_no_reader_ever_misses_an_event_of_concurrent_writers(database_url: str) -> None:
    databases = [Database(database_url, Bus()) for _ in range(WRITERS + 1)]
    reader = databases[-1]
    await add_account(reader)
    await stretch_commits(reader)
    seen: list[LoggedEvent] = []

    async def write(index: int) -> None:
        for number in range(ORDERS_EACH):
            async with databases[index].transaction() as tx:
                await insert_order(tx, f"{index}x{number}")

    async def read() -> None:
        seq = 0
        while len(seen) < WRITERS * ORDERS_EACH:
            async with reader.snapshot() as view:
                batch = await view.events.after(seq, limit=7)
            seen.extend(batch)
            seq = batch[-1].position.seq if batch else seq

    async with asyncio.timeout(60), asyncio.TaskGroup() as tasks:
        tasks.create_task(read())
        for index in range(WRITERS):
            tasks.create_task(write(index))
    assert [one.position.seq for one in seen] == list(range(1, WRITERS * ORDERS_EACH + 1))
    assert len({one.event.order.id for one in seen}) == WRITERS * ORDERS_EACH
    for database in databases:
        await database.close()


async def fail_in_the_middle(database: Database) -> None:
    async with database.transaction() as tx:
        await insert_order(tx, "lost")
        raise RuntimeError("in the middle")


async def test_nothing_is_published_before_the_commit_and_nothing_after_a_failure(
    database: Database, bus: Bus
) -> None:
    await add_account(database)
    with bus.listen(Topic.EVENTS) as bell:
        with pytest.raises(RuntimeError):
            await fail_in_the_middle(database)
        assert not bell.is_rung
        async with database.transaction() as tx:
            await insert_order(tx, "kept")
            assert not bell.is_rung
        assert bell.is_rung
    async with database.snapshot() as view:
        (event,) = await view.events.after(0, limit=10)
    assert event.event.order.client_order_id == "kept"


REFUSE = """
    CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION 'no'; END $$
"""
REFUSE_ON_COMMIT = """
    CREATE CONSTRAINT TRIGGER refuse AFTER INSERT ON events DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION refuse()
"""


async def refuse_commits(database: Database) -> None:
    """Let every statement pass, and the commit of an event fail."""
    async with database.migrating() as connection:
        if connection.dialect.name == "postgresql":
            for statement in (REFUSE, REFUSE_ON_COMMIT):
                await connection.execute(text(statement))


async def write_what_cannot_be_committed(database: Database) -> None:
    async with database.transaction() as tx:
        if tx.sql.dialect == "sqlite":
            # An event of no order, which SQLite finds out when it commits.
            await tx.sql.run(text("PRAGMA defer_foreign_keys = ON"))
            tx.events.append(changes.submitted(make_order()).event)
        else:
            await insert_order(tx, "doomed")


async def test_a_commit_that_fails_is_told_to_nobody(database: Database, bus: Bus) -> None:
    await add_account(database)
    await refuse_commits(database)
    told: list[LoggedEvent] = []
    database.tell_commits(told.extend)
    with bus.listen(Topic.EVENTS) as bell:
        with pytest.raises((StorageError, DBAPIError)):
            await write_what_cannot_be_committed(database)
        assert not bell.is_rung
    assert told == []
    async with database.snapshot() as view:
        assert await view.events.after(0, limit=10) == []


async def test_a_failed_transaction_uses_up_no_number(database: Database) -> None:
    await add_account(database)
    for name in ("a", "a", "b"):
        try:
            async with database.transaction() as tx:
                await insert_order(tx, name)
        except Duplicate:
            continue
    async with database.snapshot() as view:
        assert (await view.events.state()).head.seq == 2


async def write_step(database: Database, step: Change) -> None:
    async with database.transaction() as tx:
        tx.events.append(step.event)
        await tx.orders.update(step.event.order, from_revision=step.event.order.revision - 1)


async def test_a_change_from_a_stale_revision_is_refused_and_leaves_nothing(
    database: Database,
) -> None:
    await add_account(database)
    async with database.transaction() as tx:
        await insert_order(tx, "a")
        order = await tx.orders.find_by_client_id("paper", "a")
    assert order is not None
    step = changes.doubted(order, "lost", START)
    await write_step(database, step)
    with pytest.raises(StaleRevision):
        await write_step(database, step)
    async with database.snapshot() as view:
        assert (await view.events.state()).head.seq == 2


async def test_a_snapshot_stays_at_its_instant(database: Database) -> None:
    async def write() -> None:
        async with database.transaction() as tx:
            await insert_order(tx, "later")

    await add_account(database)
    async with database.snapshot() as view:
        assert (await view.events.state()).head.seq == 0
        await elsewhere(write())
        assert (await view.events.state()).head.seq == 0
        assert await view.orders.find_by_client_id("paper", "later") is None
