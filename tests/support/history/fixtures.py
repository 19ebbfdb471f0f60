"""Fixtures of long histories: built once for all test processes, copied where a test writes."""

import asyncio
import fcntl
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import cast

import pytest

from tests.support.history.building import HistorySize, build
from tests.support.history.copying import copy
from tests.support.makers import AT
from tests.support.postgres import Postgres


@pytest.fixture(scope="session")
def long_history(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A SQLite file with 1,000,000 events of 250,000 orders, 20,000 fills of them in one market.

    It takes half a minute and a gigabyte: the first process builds it for all, and the last one
    that used it removes it.
    """
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "history"
    folder.mkdir(exist_ok=True)
    path = folder / "orderdeck.db"
    with _users(folder) as others:
        if not others:
            shutil.copy(sqlite_template, path)
            build(path, sqlite_template, HistorySize(), AT)
        (folder / str(os.getpid())).touch()
    yield path
    with _users(folder) as users:
        (folder / str(os.getpid())).unlink()
        if len(users) == 1:
            path.unlink()


@contextmanager
def _users(folder: Path) -> Iterator[Sequence[Path]]:
    """The processes that use the history; one at a time may look and change that."""
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield [each for each in folder.iterdir() if each.name.isdigit()]


@pytest.fixture(scope="session")
def long_postgres_history(
    long_history: Path, postgres_server: Postgres, postgres_template: str
) -> str:
    name = postgres_server.create(postgres_template)
    asyncio.run(copy(long_history, postgres_server.url(name)))
    return name


@pytest.fixture
def long_sqlite_url(long_history: Path, tmp_path: Path) -> Iterator[str]:
    path = tmp_path / "orderdeck.db"
    shutil.copy(long_history, path)
    yield f"sqlite+aiosqlite:///{path}"
    path.unlink()


@pytest.fixture
def long_postgres_url(postgres_server: Postgres, long_postgres_history: str) -> Iterator[str]:
    name = postgres_server.create(long_postgres_history)
    yield postgres_server.url(name)
    postgres_server.drop(name)


@pytest.fixture
def long_history_url(request: pytest.FixtureRequest) -> str:
    """A database with a long history, of the kind that the test asks for."""
    fixture = "long_sqlite_url" if request.param == "sqlite" else "long_postgres_url"
    return cast("str", request.getfixturevalue(fixture))
