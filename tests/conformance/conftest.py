"""The program that is shipped, and clients that others have written for the same protocols."""

import asyncio
import hashlib
import json
import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NoReturn, cast

import pytest
import pytest_asyncio

from app.web.build import BuildFailed, Npm, find_npm, find_wheel
from tests.support.processes.servers import ServerProcess, launch_program

CLIENTS = Path(__file__).parent / "clients"
PATIENCE_SECONDS = 30
on_server = pytest.mark.asyncio(loop_scope="session")

Data = dict[str, Any]


class NodeProgram:
    """A program of Node.js that tells what happens in lines of JSON."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self._stdin = process.stdin
        self._stdout = process.stdout

    async def say(self, **message: object) -> None:
        self._stdin.write(f"{json.dumps(message)}\n".encode())
        await self._stdin.drain()

    async def hear(self, *events: str) -> Data:
        """The next of these events; others are let go by."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            async for line in self._stdout:
                message = cast("Data", json.loads(line))
                if message["event"] in events:
                    return message
        raise AssertionError(f"it ended before any of {events}")

    async def rest(self) -> list[Data]:
        """All that it tells, until it ends."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            return [json.loads(line) async for line in self._stdout]


def lack(reason: str) -> NoReturn:
    if os.environ.get("ORDERDECK_TEST_ALL"):
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def npm() -> Npm:
    """Node.js, with the clients installed as they are locked."""
    try:
        found = find_npm(os.environ.get("PATH", os.defpath), find_wheel())
        _install(found)
    except BuildFailed as failure:
        lack(str(failure))
    return found


@asynccontextmanager
async def node(npm: Npm, script: str, **environ: str) -> AsyncIterator[NodeProgram]:
    process = await asyncio.create_subprocess_exec(
        npm.node_folder / "node",
        script,
        cwd=CLIENTS,
        env={**os.environ, **environ},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        yield NodeProgram(process)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def server(
    sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[ServerProcess]:
    """One server for all of them."""
    folder = tmp_path_factory.mktemp("conformance")
    shutil.copy(sqlite_template, folder / "orderdeck.db")
    url = f"sqlite+aiosqlite:///{folder / 'orderdeck.db'}"
    server = ServerProcess(launch_program, folder / "data", url)
    await server.start()
    yield server
    await server.end()


def _install(npm: Npm) -> None:
    """Install the clients, unless what is installed is what the lock says."""
    stamp = CLIENTS / "node_modules" / ".stamp"
    digest = hashlib.sha256((CLIENTS / "package-lock.json").read_bytes()).hexdigest()
    if not stamp.is_file() or stamp.read_text() != digest:
        npm.run(CLIENTS, "ci", "--ignore-scripts")
        stamp.write_text(digest)
