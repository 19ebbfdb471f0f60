"""Fixtures of long histories: built once for a session, copied for each test that asks."""

import asyncio
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest

from tests.support.history.building import HistorySize, build
from tests.support.history.copying import copy
from tests.support.makers import AT
from tests.support.postgres import Postgres


@pytest.fixture(scope="session")
def long_history(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with 1,000,000 events of 250,000 orders, 20,000 fills of them in one market."""
    path = tmp_path_factory.mktemp("history") / "orderdeck.db"
    shutil.copy(sqlite_template, path)
    build(path, sqlite_template, HistorySize(), AT)
    return path


@pytest.fixture(scope="session")
def long_postgres_history(
    long_history: Path, postgres_server: Postgres, postgres_template: str
) -> str:
    name = postgres_server.create(postgres_template)
    asyncio.run(copy(long_history, postgres_server.url(name)))
    return name


@pytest.fixture
def long_sqlite_url(long_history: Path, tmp_path: Path) -> str:
    path = tmp_path / "orderdeck.db"
    shutil.copy(long_history, path)
    return f"sqlite+aiosqlite:///{path}"


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
