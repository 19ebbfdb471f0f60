"""The program as a person or a script starts it."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from typer.testing import CliRunner, Result

from app.cli import app

ROOT = Path(__file__).resolve().parents[2]
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
