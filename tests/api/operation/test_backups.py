"""A copy of a server at work is whole, and what begins from it knows that it does."""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from app.runtime import Parts
from app.storage.upkeep.backups import back_up
from app.storage.upkeep.restores import restore
from tests.api.conftest import Api, Serve, running, settings_of
from tests.conftest import START
from tests.support.api.clients import PATIENCE_SECONDS, Client
from tests.support.api.trading import place
from tests.support.clock import ManualClock

PLACERS = 4
MOST_ORDERS = 60
_AS_OF = "{ orders(first: 1) { asOf } }"
_FOLLOW = "subscription ($after: Cursor) { orderUpdates(after: $after) { cursor } }"
Tables = dict[str, list[tuple[object, ...]]]


@pytest.fixture
def database(sqlite_url: str) -> Path:
    return Path(sqlite_url.removeprefix("sqlite+aiosqlite:///"))


def tables_of(path: Path) -> Tables:
    """Every row of every table; the identity of the log is a restored one's own."""
    with closing(sqlite3.connect(path)) as connection:
        named = "SELECT name FROM sqlite_master WHERE type = 'table'"
        names = [row[0] for row in connection.execute(named)]
        rows = {name: connection.execute(f"SELECT * FROM {name}") for name in names}  # noqa: S608
        tables = {name: sorted(found, key=repr) for name, found in rows.items()}
    tables["log"] = [row[:1] + row[2:] for row in tables["log"]]
    return tables


async def test_what_is_restored_is_what_was_there(
    client: Client, database: Path, tmp_path: Path
) -> None:
    for _ in range(3):
        await place(client)
    async with asyncio.timeout(30):
        # The first equity is recorded in the background, once.
        while not tables_of(database)["equity_points"]:  # noqa: ASYNC110 - nothing announces it
            await asyncio.sleep(0.01)
    await asyncio.to_thread(back_up, database, tmp_path / "backup", may_replace=False)
    await asyncio.to_thread(restore, tmp_path / "backup", tmp_path / "new" / "deck.db", START)
    restored = tables_of(tmp_path / "new" / "deck.db")
    assert len(restored["orders"]) == 3
    assert restored == tables_of(database)


async def test_a_backup_of_a_server_at_work_is_one_instant_of_it(
    client: Client, database: Path, tmp_path: Path
) -> None:
    """Each order that was answered before is in it, and each in it has all its events."""
    answered: list[str] = []
    enough, done = asyncio.Event(), asyncio.Event()

    async def keep_placing(placer: int) -> None:
        for number in range(MOST_ORDERS):
            if done.is_set():
                return
            name = f"{placer}-{number}"
            await place(client, clientOrderId=name)
            answered.append(name)
            if len(answered) >= PLACERS:
                enough.set()

    async with asyncio.TaskGroup() as placing:
        for placer in range(PLACERS):
            placing.create_task(keep_placing(placer))
        await asyncio.wait_for(enough.wait(), PATIENCE_SECONDS)
        before, copy = set(answered), tmp_path / "backup"
        await asyncio.to_thread(back_up, database, copy, may_replace=False)
        done.set()
    assert _names(copy) >= before
    assert _names(copy) <= set(answered)
    assert _without_their_last_event(copy) == []


def _names(path: Path) -> set[str]:
    with closing(sqlite3.connect(path)) as connection:
        return {row[0] for row in connection.execute("SELECT client_order_id FROM orders")}


def _without_their_last_event(path: Path) -> list[str]:
    found = (
        "SELECT id FROM orders WHERE revision <>"
        " (SELECT max(revision) FROM events WHERE order_id = orders.id)"
    )
    with closing(sqlite3.connect(path)) as connection:
        return [row[0] for row in connection.execute(found)]


async def test_a_restored_server_refuses_every_cursor_of_before(
    serve: Serve, database: Path, tmp_path: Path
) -> None:
    """Those that it never gave out, and those of before the backup: other events may follow."""
    first = await serve()
    await place(first.client())
    cursors = [await _as_of(first)]
    await asyncio.to_thread(back_up, database, tmp_path / "backup", may_replace=False)
    await place(first.client())
    cursors.append(await _as_of(first))
    await asyncio.to_thread(restore, tmp_path / "backup", tmp_path / "new.db", START)
    settings = settings_of(f"sqlite+aiosqlite:///{tmp_path / 'new.db'}", tmp_path / "new")
    async with running(settings, Parts(clock=ManualClock(START))) as second:
        # As far as the cursors reach, and further, it has other events.
        for _ in range(3):
            await place(second.client())
        for cursor in cursors:
            assert await _refusal(second, cursor) == "CURSOR_INVALID"


async def _as_of(api: Api) -> str:
    found = await api.client().ask(_AS_OF)
    return str(found["orders"]["asOf"])


async def _refusal(api: Api, cursor: str) -> str:
    async with api.socket() as socket:
        await socket.init(api.token)
        await socket.subscribe("1", _FOLLOW, after=cursor)
        [error] = await socket.hear_error("1")
        return str(error["extensions"]["code"])
