"""Commands run in a folder of their own."""

import os
import signal
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.support.processes.clients import ApiClient, api_client
from tests.support.processes.servers import ServerProcess
from tests.system.conftest import MakeServer, launcher, make_server

__all__ = ["launcher", "make_server"]


@pytest.fixture(autouse=True)
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A working directory of its own, and nothing set."""
    for name in [name for name in os.environ if name.startswith("ORDERDECK_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(autouse=True)
def interruptible() -> Iterator[None]:
    """Programs can be interrupted, also where the tests themselves run in the background."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
async def server(
    make_server: MakeServer,
    sqlite_url: str,
    monkeypatch: pytest.MonkeyPatch,
) -> ServerProcess:
    """A running one, which the commands find by themselves."""
    server = make_server(sqlite_url)
    await server.start()
    monkeypatch.setenv("ORDERDECK_URL", f"http://127.0.0.1:{server.port}")
    return server


@pytest.fixture
async def api(server: ServerProcess) -> AsyncIterator[ApiClient]:
    async with api_client(server) as api:
        yield api
