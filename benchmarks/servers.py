"""Starts orderdeck or the baseline as a process with a temporary folder, and stops it."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from app.domain.access.tokens import ADMIN_FILE
from benchmarks import machine

ROOT = Path(__file__).resolve().parents[1]
START_SECONDS = 30
STOP_SECONDS = 10
DATABASE = "orderdeck.db"
PLENTY = "1000000000000"
BASELINE, PRODUCT = "strawberry", "orderdeck"
# For one MARKET order, orderdeck sends SUBMITTED, ACCEPTED and FILL, as it has an exchange behind
# it; the baseline writes one row and sends one update.
UPDATES_PER_ORDER = {BASELINE: 1, PRODUCT: 3}

_API = re.compile(r"^  API +http://127\.0\.0\.1:(\d+)/graphql$", re.MULTILINE)


class ServerFailed(Exception):
    """A server did not start, or logged a complaint."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Server:
    """A server that is ready."""

    name: str
    pid: int
    port: int
    token: str
    updates_per_order: int


@contextmanager
def running(
    name: str, database: Path | None = None, *, allowed: Collection[str] = ()
) -> Iterator[Server]:
    """Start a server, perhaps on a copy of a database, and stop it in any case.

    Anything logged besides the banner and the allowed events is a failure.
    """
    with tempfile.TemporaryDirectory(prefix="orderdeck-bench-") as folder:
        if database is not None:
            shutil.copy(database, Path(folder, DATABASE))
        log = Path(folder, "server.log")
        with _started(name, Path(folder), log) as process:
            port = _await_port(process, log)
            token = Path(folder, ADMIN_FILE)
            yield Server(
                name=name,
                pid=process.pid,
                port=port,
                token=token.read_text().strip() if token.exists() else "",
                updates_per_order=UPDATES_PER_ORDER[name],
            )
            # Checked before it stops: cutting off a thousand sockets may log complaints.
            if complaints := _complaints(log, allowed):
                raise ServerFailed(f"{name} complained: {complaints}")


def empty_database(folder: Path) -> Path:
    """A database at the latest schema with nothing in it."""
    folder.mkdir()
    command = [sys.executable, "-m", "app", "migrate"]
    subprocess.run(command, env=_environ(folder), cwd=folder, check=True, capture_output=True)
    return folder / DATABASE


@contextmanager
def _started(name: str, folder: Path, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("wb") as output:
        process = subprocess.Popen(
            _command(name, folder),
            env=_environ(folder),
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        machine.pin(process.pid, machine.cores()[0])
        yield process
    finally:
        try:
            process.send_signal(signal.SIGTERM)
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            pass
        finally:
            process.kill()
            process.wait()


def _command(name: str, folder: Path) -> list[str]:
    if name == PRODUCT:
        return [sys.executable, "-m", "app", "serve", "--port", "0"]
    return [sys.executable, "-m", "benchmarks.baseline", str(folder / "baseline.db")]


def _environ(folder: Path) -> Mapping[str, str]:
    inherited = {name: value for name, value in os.environ.items() if "ORDERDECK" not in name}
    return inherited | {
        "ORDERDECK_DATA_DIR": str(folder),
        "ORDERDECK_ACCOUNTS__PAPER__EXCHANGE": "paper",
        "ORDERDECK_ACCOUNTS__PAPER__PAPER__BALANCES__USDT": PLENTY,
        "PYTHONPATH": str(ROOT),
        "PYTHONUNBUFFERED": "1",
    }


def _await_port(process: subprocess.Popen[bytes], log: Path) -> int:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        found = _API.search(log.read_text())
        if found is not None:
            return int(found[1])
        if process.poll() is not None:
            break
        time.sleep(0.05)
    raise ServerFailed(f"it did not start: {log.read_text()[-1000:]}")


def _complaints(log: Path, allowed: Collection[str]) -> str:
    lines = log.read_text().splitlines()
    return "\n".join(line for line in lines if _is_complaint(line, allowed))[-1000:]


def _is_complaint(line: str, allowed: Collection[str]) -> bool:
    """Neither the banner nor a line that the log itself calls information."""
    if line.startswith((" ", "orderdeck ")):
        return False
    try:
        logged = json.loads(line)
        return logged["level"] != "info" and logged["event"] not in allowed
    except (ValueError, TypeError, KeyError):
        return True
