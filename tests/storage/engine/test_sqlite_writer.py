import asyncio
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import make_url, text

from app.bus import Bus
from app.errors import StorageUnavailable
from app.storage.database import Database
from app.storage.engine.sqlite_writer import SqliteWriter

INSERT = text("INSERT INTO notes VALUES (:name)")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "notes.db"
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("CREATE TABLE notes (name TEXT PRIMARY KEY)")
    connection.close()
    return path


@pytest.fixture
async def writer(path: Path) -> AsyncIterator[SqliteWriter]:
    writer = SqliteWriter(make_url(f"sqlite+aiosqlite:///{path}"), busy_seconds=0.2)
    yield writer
    writer.close()


async def note(writer: SqliteWriter, *names: str) -> None:
    async with writer.transaction() as sql:
        for name in names:
            await sql.run(INSERT, {"name": name})


def notes(path: Path) -> set[str]:
    connection = sqlite3.connect(path)
    try:
        return {name for (name,) in connection.execute("SELECT name FROM notes")}
    finally:
        connection.close()


async def test_what_has_returned_is_there_for_everybody(writer: SqliteWriter, path: Path) -> None:
    await note(writer, "a")
    assert notes(path) == {"a"}


async def test_those_who_wait_share_a_commit(writer: SqliteWriter, path: Path) -> None:
    seen = []

    async def write(number: int) -> None:
        await note(writer, f"n{number}")
        seen.append(len(notes(path)))

    await asyncio.gather(*(write(number) for number in range(50)))
    assert len(notes(path)) == 50
    assert len(set(seen)) < 10


async def test_each_returns_only_when_it_is_durable(writer: SqliteWriter, path: Path) -> None:
    async def write(number: int) -> None:
        await note(writer, f"n{number}")
        assert f"n{number}" in notes(path)

    await asyncio.gather(*(write(number) for number in range(50)))


async def test_one_that_fails_takes_nobody_with_it(writer: SqliteWriter, path: Path) -> None:
    async def write(number: int) -> None:
        async with writer.transaction() as sql:
            await sql.run(INSERT, {"name": f"n{number}"})
            if number % 3 == 0:
                raise LookupError(number)

    outcomes = await asyncio.gather(*(write(n) for n in range(30)), return_exceptions=True)
    assert sum(isinstance(one, LookupError) for one in outcomes) == 10
    assert notes(path) == {f"n{number}" for number in range(30) if number % 3}


async def test_being_cancelled_undoes_one_and_hinders_no_other(
    writer: SqliteWriter, path: Path
) -> None:
    tasks = [asyncio.create_task(note(writer, f"n{number}")) for number in range(60)]
    for number, task in enumerate(tasks):
        if number % 7 == 0:
            task.cancel()
        await asyncio.sleep(0)
        if number % 5 == 0:
            task.cancel()
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    done = {f"n{number}" for number, outcome in enumerate(outcomes) if outcome is None}
    assert done <= notes(path)
    await note(writer, "after")
    assert "after" in notes(path)


@pytest.mark.parametrize("turns", range(1, 12))
async def test_being_cancelled_again_and_again_hinders_no_other(
    writer: SqliteWriter, path: Path, turns: int
) -> None:
    first, *others = [asyncio.create_task(note(writer, f"n{number}")) for number in range(6)]
    for _ in range(turns):
        await asyncio.sleep(0)
    while not first.done():
        first.cancel()
        await asyncio.sleep(0)
    async with asyncio.timeout(10):
        outcomes = await asyncio.gather(*others, return_exceptions=True)
        await note(writer, "after")
    done = {f"n{number}" for number, outcome in enumerate(outcomes, start=1) if outcome is None}
    assert done | {"after"} <= notes(path)


async def test_a_full_disk_is_told_in_words_and_what_was_there_stays(
    writer: SqliteWriter, path: Path
) -> None:
    await note(writer, "before")
    async with writer.transaction() as sql:
        await sql.run(text("PRAGMA max_page_count = 4"))
    big = [f"{number:0>3000}" for number in range(20)]
    outcomes = await asyncio.gather(
        *(note(writer, *big, f"n{number}") for number in range(5)), return_exceptions=True
    )
    assert all(isinstance(outcome, StorageUnavailable) for outcome in outcomes)
    assert any("full" in str(outcome) for outcome in outcomes)
    async with writer.transaction() as sql:
        await sql.run(text("PRAGMA max_page_count = 1000000"))
    await note(writer, "after")
    assert notes(path) == {"before", "after"}


async def test_another_process_that_writes_is_waited_for(writer: SqliteWriter, path: Path) -> None:
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    writing = asyncio.create_task(note(writer, "mine"))
    async with asyncio.timeout(0.1):
        while writer.is_idle:  # noqa: ASYNC110  the lock of another process tells nobody
            await asyncio.sleep(0)
    other.execute("INSERT INTO notes VALUES ('theirs')")
    other.execute("COMMIT")
    await writing
    assert notes(path) == {"theirs", "mine"}
    other.close()


async def test_another_process_that_never_ends_is_told_in_words(
    writer: SqliteWriter, path: Path
) -> None:
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StorageUnavailable, match="locked by another process"):
        await note(writer, "mine")
    other.execute("ROLLBACK")
    other.close()
    await note(writer, "later")
    assert notes(path) == {"later"}


async def test_a_damaged_file_is_told_in_words(tmp_path: Path) -> None:
    path = tmp_path / "orderdeck.db"
    path.write_bytes(b"this is no database at all" * 400)
    database = Database(f"sqlite+aiosqlite:///{path}", Bus())
    with pytest.raises(StorageUnavailable, match="damaged"):
        async with database.transaction():
            raise AssertionError("never reached")
    with pytest.raises(StorageUnavailable, match="damaged"):
        async with database.snapshot() as view:
            await view.events.state()
    await database.close()
