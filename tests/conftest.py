"""Fixtures for all tests: the real runtime on temporary databases, SQLite and PostgreSQL."""

import asyncio
import gc
import os
import shutil
import sys
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Generator, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings
from sqlalchemy import Connection, Dialect, Engine, event

from app.bus import Bus
from app.exchanges.paper.faults import Faults
from app.runtime import Parts, open_runtime
from app.services import Services
from app.settings import Settings, load_settings
from app.storage.database import Database
from app.storage.upkeep.migrations import migrate
from tests.support import postgres
from tests.support.clock import ManualClock
from tests.support.folders import SHORT_LIVED
from tests.support.leaks import lines_with_secrets
from tests.support.loops import RestingLoop

# Without bytecode files, every test worker and every program that a test starts would compile all
# modules again; they inherit these settings.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False
if SHORT_LIVED is not None:
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", SHORT_LIVED)

# The time of an example depends on the machine and its load, so there is no deadline.
hypothesis_settings.register_profile(
    "unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
hypothesis_settings.load_profile("unhurried")

pytest_plugins = ["tests.support.history.fixtures"]

START = datetime(2026, 1, 5, 12, tzinfo=UTC)
BACKENDS = ("sqlite", "postgresql")
# For tests of what differs between databases: SQL, locks, what survives the death of a process.
on_each_database = pytest.mark.parametrize("database_url", BACKENDS, indirect=True)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Deal the slow tests to all workers, which run them first.

    If they came last, the other workers would wait for them.
    """
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    slow = [item for item in items if item.get_closest_marker("slow")]
    short = [item for item in items if not item.get_closest_marker("slow")]
    dealt: list[pytest.Item] = []
    for number in range(workers):
        # xdist gives each worker the same number of tests in a row.
        hand = slow[number::workers]
        due = len(items) * (number + 1) // workers - len(dealt) - len(hand)
        dealt += hand + short[:due]
        short = short[due:]
    items[:] = dealt + short


@pytest.hookimpl(tryfirst=True)
def pytest_collection() -> None:
    """Switch the garbage collector off while importing: it would scan all modules repeatedly."""
    gc.disable()


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop() -> None:
    """Keep what is imported out of garbage collection, and switch it on for the tests."""
    gc.freeze()
    gc.enable()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Fail a test, even one that passed, if it has written a secret to the log or output."""
    report = yield
    if found := lines_with_secrets(text for _, text in report.sections):
        report.outcome = "failed"
        report.longrepr = "\n".join(("a secret was written:", *found))
    return report


def pytest_asyncio_loop_factories() -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    return {"resting": RestingLoop}


_dialects: dict[tuple[str, str], Dialect] = {}
_statements: defaultdict[Dialect, dict[Any, Any]] = defaultdict(dict)


@event.listens_for(Engine, "engine_connect")
def share_statements(connection: Connection) -> None:
    """Compile each SQL statement once for all databases of a kind, though each test has its own.

    SQLAlchemy caches compiled statements by dialect, and each engine has its own dialect.
    """
    own = connection.dialect
    connection.dialect = _dialects.setdefault((own.name, own.driver), own)
    connection.execution_options(compiled_cache=_statements[connection.dialect])


def migrated(url: str) -> str:
    async def run() -> None:
        database = Database(url, Bus())
        await migrate(database)
        await database.close()

    asyncio.run(run())
    return url


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[postgres.Postgres]:
    try:
        with postgres.running() as server:
            yield server
    except postgres.PostgresMissing as missing:
        if os.environ.get("ORDERDECK_TEST_ALL"):
            raise
        pytest.skip(str(missing))


@pytest.fixture(scope="session")
def postgres_template(postgres_server: postgres.Postgres) -> str:
    name = postgres_server.create()
    migrated(postgres_server.url(name))
    return name


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("template") / "orderdeck.db"
    migrated(f"sqlite+aiosqlite:///{path}")
    return path


@pytest.fixture
def sqlite_url(sqlite_template: Path, tmp_path: Path) -> str:
    path = tmp_path / "orderdeck.db"
    shutil.copy(sqlite_template, path)
    return f"sqlite+aiosqlite:///{path}"


@pytest.fixture
def postgres_url(postgres_server: postgres.Postgres, postgres_template: str) -> Iterator[str]:
    name = postgres_server.create(postgres_template)
    yield postgres_server.url(name)
    postgres_server.drop(name)


@pytest.fixture
def database_url(request: pytest.FixtureRequest) -> str:
    """A new database at the latest schema: SQLite, unless a test asks for each kind."""
    kind = getattr(request, "param", "sqlite")
    fixture = "sqlite_url" if kind == "sqlite" else "postgres_url"
    return cast("str", request.getfixturevalue(fixture))


@pytest.fixture
def bus() -> Bus:
    return Bus()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(START)


@pytest.fixture
async def database(database_url: str, bus: Bus) -> AsyncIterator[Database]:
    database = Database(database_url, bus)
    yield database
    await database.close()


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> Settings:
    environ = {
        "ORDERDECK_DATABASE_URL": database_url,
        "ORDERDECK_DATA_DIR": str(tmp_path / "data"),
    }
    return load_settings(environ, tmp_path)


@pytest.fixture
def faults() -> Faults:
    return Faults()


@pytest.fixture
async def services(
    settings: Settings, clock: ManualClock, faults: Faults
) -> AsyncIterator[Services]:
    async with open_runtime(settings, Parts(clock=clock, faults={"paper": faults})) as services:
        yield services
