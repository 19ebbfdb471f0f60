"""The program as a person or a script starts it."""

import asyncio
import os
import pty
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from typer.testing import CliRunner, Result

from app.cli import app

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_SECONDS = 30
COMMAND = (sys.executable, "-m", "app")


def run(*arguments: str) -> Result:
    """In this process, with its output kept."""
    return CliRunner().invoke(app, list(arguments))


def environ() -> dict[str, str]:
    """For a process of its own."""
    return {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}


@contextmanager
def serving(*arguments: str) -> Iterator[tuple[dict[str, str], "subprocess.Popen[str]"]]:
    """A server of its own process, and what its banner says."""
    command = [*COMMAND, "serve", "--port", "0", *arguments]
    with subprocess.Popen(command, env=environ(), stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            title = process.stdout.readline().strip()
            lines = [process.stdout.readline().split(maxsplit=1) for _ in range(4)]
            yield {"title": title, **{name: value.strip() for name, value in lines}}, process
        finally:
            process.kill()


@dataclass(frozen=True, kw_only=True, slots=True)
class Ended:
    """What a process has said, and how it ended."""

    code: int
    lines: list[str]
    errors: list[str]


class Watching:
    """A command that runs beside the test, its lines read as they come."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.lines: list[str] = []

    async def line(self) -> str:
        assert self._process.stdout is not None
        async with asyncio.timeout(PATIENCE_SECONDS):
            line = (await self._process.stdout.readline()).decode()
        assert line.endswith("\n"), f"it ended: {await self.ended()}"
        self.lines.append(line.removesuffix("\n"))
        return self.lines[-1]

    async def error(self) -> str:
        assert self._process.stderr is not None
        async with asyncio.timeout(PATIENCE_SECONDS):
            return (await self._process.stderr.readline()).decode().rstrip("\n")

    async def end(self, number: signal.Signals) -> Ended:
        self._process.send_signal(number)
        return await self.ended()

    async def ended(self) -> Ended:
        async with asyncio.timeout(PATIENCE_SECONDS):
            out, err = await self._process.communicate()
        assert self._process.returncode is not None
        return Ended(
            code=self._process.returncode,
            lines=out.decode().splitlines(),
            errors=err.decode().splitlines(),
        )


@asynccontextmanager
async def watching(*arguments: str) -> AsyncIterator[Watching]:
    """`orderdeck watch`, as a process of its own."""
    process = await asyncio.create_subprocess_exec(
        *COMMAND, "watch", *arguments, env=environ(),
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    try:
        yield Watching(process)
    finally:
        if process.returncode is None:
            process.kill()
            await process.communicate()


def on_terminal(line: str) -> str:
    """What a command line writes to a terminal."""
    ours, theirs = pty.openpty()
    with os.fdopen(ours, "rb", 0) as screen:
        process = subprocess.Popen(
            [*COMMAND, *line.split()], env={**environ(), "TERM": "xterm"},
            stdin=subprocess.DEVNULL, stdout=theirs, stderr=subprocess.STDOUT,
        )  # fmt: skip
        os.close(theirs)
        shown = b""
        # Linux tells the end of a terminal as an error.
        with process, suppress(OSError):
            while part := screen.read(4096):
                shown += part
    return shown.decode()
