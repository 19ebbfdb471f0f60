"""Runs the server as a process that can be killed and restarted on the same port and data."""

import array
import asyncio
import json
import os
import random
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import httpx

from app.domain.access.tokens import ADMIN_FILE
from tests.support.leaks import lines_with_secrets
from tests.support.processes.serve import FAULTS

ROOT = Path(__file__).resolve().parents[3]
START_SECONDS = 20
STOP_SECONDS = 30
BANNER_LINES = 5
_LAST = "  data "
# Below the system's ephemeral ports: while the server is down, an outgoing connection could
# otherwise take its port, or even connect to itself.
_PORTS = range(20_000, 32_000)


@dataclass(frozen=True, kw_only=True, slots=True)
class Child:
    """A started process, and the function that collects its exit code."""

    pid: int
    reap: Callable[[], int | None]


class Launcher(Protocol):
    """Starts a server that writes its output to a file descriptor."""

    def __call__(self, environ: Mapping[str, str], folder: Path, output: int) -> Child: ...


class ForkLauncher:
    """Starts servers quickly by forking, with faults that only tests have."""

    def __init__(self, channel: socket.socket) -> None:
        self._channel = channel
        # One request at a time, so that each gets its own answer.
        self._turn = threading.Lock()

    def __call__(self, environ: Mapping[str, str], folder: Path, output: int) -> Child:
        request = {"environ": dict(environ), "folder": str(folder)}
        with self._turn:
            socket.send_fds(self._channel, [json.dumps(request).encode()], [output])
            (pid,) = array.array("q", self._channel.recv(8))
        return Child(pid=pid, reap=lambda: None)


@contextmanager
def fork_launcher(*modules: str) -> Iterator[ForkLauncher]:
    """Start the forking program; the modules named are imported there once for all servers."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours, theirs:
        command = [sys.executable, "-m", "tests.support.processes.serve", *modules]
        with subprocess.Popen(command, cwd=ROOT, stdin=theirs.fileno()) as process:
            theirs.close()
            try:
                yield ForkLauncher(ours)
            finally:
                ours.close()
                process.wait(START_SECONDS)


def launch_program(environ: Mapping[str, str], folder: Path, output: int) -> Child:
    """Start `python -m app serve`, as users do."""
    process = subprocess.Popen(
        [sys.executable, "-m", "app", "serve"],
        env={**environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"},
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
    )
    return Child(pid=process.pid, reap=process.wait)


class ServerProcess:
    """One server, which may be killed and restarted many times."""

    def __init__(
        self, launcher: Launcher, folder: Path, database_url: str, **settings: object
    ) -> None:
        self._launcher = launcher
        self._folder = folder
        self._environ = {
            **{name: value for name, value in os.environ.items() if "ORDERDECK" not in name},
            "ORDERDECK_DATA_DIR": str(folder),
            "ORDERDECK_DATABASE_URL": database_url,
            **{f"ORDERDECK_{name.upper()}": str(value) for name, value in settings.items()},
        }
        self._child: Child | None = None
        self._listening: asyncio.Task[None] | None = None
        self._has_announced = asyncio.Event()
        self.port = free_port()
        self.database_url = database_url
        self.faults: dict[str, Any] = {}
        self.output: list[str] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/graphql"

    @property
    def socket_url(self) -> str:
        return f"ws://127.0.0.1:{self.port}/graphql"

    @property
    def token(self) -> str:
        return (self._folder / ADMIN_FILE).read_text().strip()

    @property
    def pid(self) -> int:
        assert self._child is not None
        return self._child.pid

    @property
    def banner(self) -> list[str]:
        """The lines that it prints when ready; the last one names the data folder."""
        ends = [number for number, line in enumerate(self.output, 1) if line.startswith(_LAST)]
        return self.output[ends[0] - BANNER_LINES : ends[0]] if ends else []

    def rss_bytes(self) -> int:
        pages = Path(f"/proc/{self.pid}/statm").read_text().split()[1]
        return int(pages) * os.sysconf("SC_PAGE_SIZE")

    async def start(self) -> None:
        await self.launch()
        await self.ready()

    async def launch(self) -> None:
        """Start the process without waiting until it is ready."""
        assert self._child is None
        self._folder.mkdir(exist_ok=True)
        environ = self._environ | {
            "ORDERDECK_PORT": str(self.port),
            FAULTS: json.dumps(self.faults),
        }
        reading, writing = os.pipe()
        try:
            self._child = await asyncio.to_thread(self._launcher, environ, self._folder, writing)
        finally:
            os.close(writing)
        self.output = []
        self._has_announced.clear()
        self._listening = asyncio.create_task(self._listen(reading))

    async def ready(self) -> None:
        """Wait until it has printed its banner and answers."""
        await self.announced()
        async with httpx.AsyncClient(trust_env=False) as http:
            answer = await http.get(f"http://127.0.0.1:{self.port}/healthz")
        assert answer.status_code == httpx.codes.OK

    async def announced(self) -> None:
        """Wait until it has printed its banner."""
        async with asyncio.timeout(START_SECONDS):
            await self._has_announced.wait()
        assert len(self.banner) == BANNER_LINES, f"it did not start: {self.output}"

    async def kill(self) -> None:
        """Kill it, as a power cut would."""
        self._signal(signal.SIGKILL)
        await self.died()

    async def stop(self) -> int | None:
        """Terminate it as a user does; returns its exit code, or None if that is unknown."""
        self._signal(signal.SIGTERM)
        return await self.died()

    async def died(self) -> int | None:
        """Wait until it has ended, for any reason; returns its exit code if known."""
        child = self._child
        assert child is not None
        assert self._listening is not None
        try:
            async with asyncio.timeout(STOP_SECONDS):
                await _ended(child.pid)
                await self._listening
        except TimeoutError as error:
            words = f"it lives on after {STOP_SECONDS} s: {self.output[-BANNER_LINES:]}"
            raise AssertionError(words) from error
        self._child = None
        assert not lines_with_secrets(self.output)
        return child.reap()

    async def end(self) -> None:
        """Kill it if it still runs."""
        if self._child is not None:
            await self.kill()

    async def _listen(self, descriptor: int) -> None:
        """Read all its output, so that it never blocks on a full pipe."""
        output = asyncio.StreamReader()
        protocol = asyncio.StreamReaderProtocol(output)
        with os.fdopen(descriptor, "rb", 0) as pipe:
            await asyncio.get_running_loop().connect_read_pipe(lambda: protocol, pipe)
            async for line in output:
                self.output.append(line.decode().rstrip("\n"))
                if self.output[-1].startswith(_LAST):
                    self._has_announced.set()
        self._has_announced.set()

    def _signal(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError):
            os.kill(self.pid, number)


async def _ended(pid: int) -> None:
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_reader(handle, ended.set)
    try:
        await ended.wait()
    finally:
        loop.remove_reader(handle)
        os.close(handle)


def free_port() -> int:
    for port in random.sample(_PORTS, len(_PORTS)):
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
    raise OSError("no port is free")
