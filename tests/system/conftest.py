"""Servers that begin quickly and leave nothing behind."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest

from tests.support.processes.servers import ForkLauncher, ServerProcess, fork_launcher

MakeServer = Callable[..., ServerProcess]


@pytest.fixture(scope="session")
def launcher() -> Iterator[ForkLauncher]:
    with fork_launcher() as launcher:
        yield launcher


@pytest.fixture(scope="session")
def ccxt_launcher() -> Iterator[ForkLauncher]:
    """For servers with accounts at real exchanges."""
    with fork_launcher("ccxt.pro") as launcher:
        yield launcher


@pytest.fixture
async def make_server(launcher: ForkLauncher, tmp_path: Path) -> AsyncIterator[MakeServer]:
    """Makes servers on a database; they share the data folder, as processes of one machine do."""
    async with _making(launcher, tmp_path / "data") as make:
        yield make


@pytest.fixture
async def make_ccxt_server(
    ccxt_launcher: ForkLauncher, tmp_path: Path
) -> AsyncIterator[MakeServer]:
    async with _making(ccxt_launcher, tmp_path / "data") as make:
        yield make


@asynccontextmanager
async def _making(launcher: ForkLauncher, folder: Path) -> AsyncIterator[MakeServer]:
    async with AsyncExitStack() as servers:

        def make(database_url: str, **settings: object) -> ServerProcess:
            server = ServerProcess(launcher, folder, database_url, **settings)
            servers.push_async_callback(server.end)
            return server

        yield make
