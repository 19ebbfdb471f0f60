"""Connections to the database: one at a time for each piece of work, and none for long."""

import asyncio

import pytest

from app.primitives.fair_line import work_for
from app.storage.database import OWN_READERS, VIEWERS, Database
from tests.conftest import on_each_database
from tests.support.callers import begin_elsewhere, elsewhere


@on_each_database
async def test_a_second_connection_inside_the_first_is_an_error(database: Database) -> None:
    for outer in (database.snapshot, database.client_snapshot, database.transaction):
        for inner in (database.snapshot, database.client_snapshot, database.transaction):
            async with outer():
                with pytest.raises(RuntimeError, match="a second connection"):
                    async with inner():
                        pass


@on_each_database
async def test_one_connection_after_the_other_is_fine(database: Database) -> None:
    for _ in range(3):
        async with database.transaction():
            pass
        async with database.snapshot():
            pass


async def held(database: Database, party: str, release: asyncio.Event) -> None:
    work_for(party)
    async with database.snapshot() as view:
        await view.events.state()
        await release.wait()


async def read(database: Database, party: str) -> None:
    work_for(party)
    async with database.snapshot() as view:
        await view.events.state()


@on_each_database
async def test_no_party_takes_all_of_the_connections(database: Database) -> None:
    release = asyncio.Event()
    greedy = [begin_elsewhere(held(database, "greedy", release)) for _ in range(3 * OWN_READERS)]
    async with asyncio.timeout(20):
        await elsewhere(read(database, "modest"))
    release.set()
    await asyncio.gather(*greedy)


@on_each_database
async def test_clients_that_take_their_time_keep_out_no_read_of_our_own(
    database: Database,
) -> None:
    release = asyncio.Event()

    async def look() -> None:
        async with database.client_snapshot() as view:
            await view.events.state()
            await release.wait()

    clients = [begin_elsewhere(look()) for _ in range(3 * VIEWERS)]
    async with asyncio.timeout(20):
        await elsewhere(read(database, "the gate"))
        async with database.transaction():
            pass
    release.set()
    await asyncio.gather(*clients)
