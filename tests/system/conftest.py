"""Servers that begin quickly and leave nothing behind."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from tests.system.servers import ForkLauncher, ServerProcess, fork_launcher

MakeServer = Callable[..., ServerProcess]


@pytest.fixture(scope="session")
def launcher() -> Iterator[ForkLauncher]:
    with fork_launcher() as launcher:
        yield launcher


@pytest.fixture
async def make_server(launcher: ForkLauncher, tmp_path: Path) -> AsyncIterator[MakeServer]:
    """Makes servers on a database; they share the data folder, as processes of one machine do."""
    async with AsyncExitStack() as servers:

        def make(database_url: str, **settings: object) -> ServerProcess:
            server = ServerProcess(launcher, tmp_path / "data", database_url, **settings)
            servers.push_async_callback(server.end)
            return server

        yield make
