"""The server's side of one process that runs the strategies of one file."""

import asyncio
import os
import signal
import sys
from asyncio import Future, SubprocessTransport
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import orjson
import structlog

import app
from app.strategies.frames import FrameBuffer, pack

# How much a strategy may print per question before we stop reading, and how much of it is logged.
MOST_PRINTED_BYTES = 1 << 16
MOST_LINES = 100
_MOST_LINE = 500
_IN, _OUT, _ERRORS = 0, 1, 2
_ROOT = Path(app.__file__).parents[1]
# Of the server's environment, a strategy gets these variables only: others may hold secrets.
_KEPT = ("PATH", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "TMPDIR")
_GIVEN = {
    "PYTHONPATH": str(_ROOT),
    "PYTHONHASHSEED": "0",
    "PYTHONDONTWRITEBYTECODE": "1",
    # Threads of libraries would take address space, and cores that orders need.
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
}

_logger = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class ProcessEnded:
    """The message in place of an answer when the process has ended."""


class StrategyProcess(asyncio.SubprocessProtocol):
    """Sends one question at a time; what the process prints goes to the log."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._inbox = FrameBuffer()
        loop = asyncio.get_running_loop()
        self._answer: Future[Any] = loop.create_future()
        self._exited = asyncio.Event()
        self._is_mute = False
        self._is_killed = False
        self._is_ignored = False
        self._bytes_left, self._lines_left = MOST_PRINTED_BYTES, MOST_LINES
        self._transport: SubprocessTransport

    @classmethod
    async def started(cls, file: Path, most_bytes: int) -> "StrategyProcess":
        """Start a process; its first message says what is in the file."""
        _, process = await asyncio.get_running_loop().subprocess_exec(
            lambda: cls(file),
            *(sys.executable, "-P", "-m", "app.strategies.worker"),
            *(str(file), str(most_bytes), str(os.getpid())),
            env={**_kept(os.environ), **_GIVEN},
            cwd=file.parent,
            start_new_session=True,
        )
        return process

    @property
    def is_gone(self) -> bool:
        return self._is_killed or self._is_mute or self._exited.is_set()

    async def receive(self) -> Any:
        """The next message of the process, or ProcessEnded."""
        answer = await self._answer
        self._answer = asyncio.get_running_loop().create_future()
        return answer

    async def ask(self, question: Mapping[str, Any]) -> Any:
        self._listen_again()
        self._pipe(_IN).write(pack(question))
        return await self.receive()

    def kill(self) -> None:
        """Kill the process and all processes that it has started."""
        self._is_killed = True
        if self._transport.get_returncode() is None:
            with suppress(ProcessLookupError):
                os.killpg(self._transport.get_pid(), signal.SIGKILL)

    async def end(self) -> str:
        """Kill the process and wait for its end; returns how it ended, in words."""
        self.kill()
        await self._exited.wait()
        self._transport.close()
        code = self._transport.get_returncode() or 0
        if code < 0:
            return f"its process was ended by {signal.Signals(-code).name}"
        return f"its process ended with status {code}"

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("SubprocessTransport", transport)

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        if fd == _ERRORS:
            self._print(data)
            return
        try:
            message = self._inbox.add(data)
        except (ValueError, orjson.JSONDecodeError):
            self.kill()
            return
        if message is not None:
            self._deliver(message)

    def pipe_connection_lost(self, fd: int, exc: Exception | None) -> None:
        if fd == _OUT:
            self._is_mute = True
            self._deliver(ProcessEnded())

    def process_exited(self) -> None:
        self._exited.set()

    def _deliver(self, message: object) -> None:
        if not self._answer.done():
            self._answer.set_result(message)

    def _print(self, data: bytes) -> None:
        lines = data.decode(errors="replace").splitlines()
        for line in lines[: self._lines_left]:
            _logger.info("strategy.printed", file=self._file.name, line=line[:_MOST_LINE])
        self._lines_left = max(self._lines_left - len(lines), 0)
        self._bytes_left -= len(data)
        if self._bytes_left < 0 and not self._is_ignored:
            self._is_ignored = True
            self._pipe(_ERRORS).pause_reading()

    def _listen_again(self) -> None:
        self._bytes_left, self._lines_left = MOST_PRINTED_BYTES, MOST_LINES
        if self._is_ignored:
            self._is_ignored = False
            self._pipe(_ERRORS).resume_reading()

    def _pipe(self, fd: int) -> Any:
        return self._transport.get_pipe_transport(fd)


def _kept(environ: Mapping[str, str]) -> dict[str, str]:
    return {name: environ[name] for name in _KEPT if name in environ}
