"""A program that forks `orderdeck serve` processes, with faults and without waiting for imports.

It imports everything and builds the schema once. For each request on its socket it then forks a
server, which lives and dies like any other process.
"""

import array
import gc
import json
import os
import signal
import socket
import sqlite3
import sys
from contextlib import closing
from importlib import import_module
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, Pool, event

from app.asgi import create_app
from app.exchanges.paper.faults import CrashPoint, Faults
from app.runtime import Parts
from app.server import slow_readers
from app.server.listening import listen
from app.server.logs import configure_logs
from app.server.server import run_server
from app.settings import load_settings
from app.storage.upkeep.migrations import known_revisions
from schema.build import build_schema

FAULTS = "ORDERDECK_TEST_FAULTS"
MAX_REQUEST = 64 * 1024
_ACCOUNT = "paper"


class StatementCrash:
    """Kills the process before a statement, or before the commit of its transaction."""

    def __init__(self, *, statement: str, number: int, at_commit: bool) -> None:
        self._statement = statement
        self._left = number
        self._at_commit = at_commit
        self._is_due = False
        event.listen(Engine, "before_cursor_execute", self._before_statement)
        event.listen(Engine, "commit", self._before_commit)
        event.listen(Pool, "connect", self._watch_sqlite)

    def _before_statement(self, _c: Connection, _k: object, statement: str, *_: object) -> None:
        if statement.startswith(self._statement):
            self._left -= 1
            self._is_due = self._left == 0
        if self._is_due and not self._at_commit:
            _die()

    def _watch_sqlite(self, connection: object, _: object) -> None:
        """Trace raw connections too: SQLite's writer commits without SQLAlchemy."""
        if isinstance(connection, sqlite3.Connection):
            connection.set_trace_callback(self._before_raw_statement)

    def _before_raw_statement(self, statement: str) -> None:
        if statement.startswith("COMMIT"):
            self._before_commit()

    def _before_commit(self, *_: object) -> None:
        if self._is_due:
            _die()


def main() -> None:
    """Fork a server for each request on the socket at standard input."""
    build_schema()
    known_revisions()
    for module in sys.argv[1:]:
        import_module(module)
    # All forks share these objects: garbage collection would touch and so copy their pages.
    gc.collect()
    gc.freeze()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    # Its own process group, so that no server outlives the tests, however they end.
    os.setpgid(0, 0)
    with socket.socket(fileno=os.dup(0)) as requests:
        while True:
            text, outputs, _, _ = socket.recv_fds(requests, MAX_REQUEST, 1)
            if not text:
                os.killpg(0, signal.SIGKILL)
            (output,) = outputs
            child = os.fork()
            if child == 0:
                requests.close()
                _become_server(json.loads(text), output)
            os.close(output)
            requests.sendall(array.array("q", [child]).tobytes())


def _become_server(request: dict[str, Any], output: int) -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.close(output)
    os.environ.clear()
    os.environ.update(request["environ"])
    os.chdir(request["folder"])
    code = 1
    try:
        code = _serve()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _serve() -> int:
    settings = load_settings(os.environ, Path.cwd())
    configure_logs(settings)
    parts = Parts(faults={_ACCOUNT: _faults(json.loads(os.environ.get(FAULTS, "{}")))})
    with closing(listen(settings.host, settings.port)) as listener:
        api = create_app(settings, parts=parts)
        run_server(api, listener, settings)
    return 0


def _faults(given: dict[str, Any]) -> Faults:
    if "crash_around" in given:
        StatementCrash(**given.pop("crash_around"))
    slow_readers.STALL_SECONDS = given.pop("stall_seconds", slow_readers.STALL_SECONDS)
    points = {CrashPoint(point) for point in given.pop("crash_at", ())}
    return Faults(crash_at=points, **given)


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    main()
