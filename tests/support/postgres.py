"""Starts a PostgreSQL server for tests, on a Unix socket in a temporary folder."""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.support.folders import SHORT_LIVED

USER = "postgres"
_WITH_STRATEGIES = 150_000
_DONE = "done"


class PostgresMissing(Exception):
    """PostgreSQL's server binaries are not installed."""


def binaries() -> Path:
    """The folder of initdb and postgres."""
    config = shutil.which("pg_config")
    if config is None:
        raise PostgresMissing("pg_config is not installed")
    found = subprocess.run([config, "--bindir"], capture_output=True, text=True, check=True)
    folder = Path(found.stdout.strip())
    if not (folder / "initdb").exists():
        raise PostgresMissing(f"{folder} has no initdb: install Debian's postgresql")
    return folder


class Postgres:
    """A running server; databases are copied from templates."""

    def __init__(self, folder: Path, session: "_Psql") -> None:
        self._folder = folder
        self._psql_session = session
        # Copying file by file is faster; before PostgreSQL 15 it did so anyway.
        self._copy_strategy = " STRATEGY file_copy" if session.version >= _WITH_STRATEGIES else ""
        self._count = 0

    def url(self, name: str) -> str:
        return f"postgresql+asyncpg://{USER}@/{name}?host={self._folder}"

    def create(self, template: str = "template1") -> str:
        self._count += 1
        name = f"test_{self._count}"
        self._psql_session.execute(
            f"CREATE DATABASE {name} TEMPLATE {template}{self._copy_strategy}"
        )
        return name

    def drop(self, name: str) -> None:
        self._psql_session.execute(f"DROP DATABASE {name} WITH (FORCE)")


class _Psql:
    """An open psql session, through which all databases are created and dropped."""

    def __init__(self, psql: "subprocess.Popen[str]") -> None:
        self._psql = psql
        self.version = int(self.execute("SHOW server_version_num"))

    def execute(self, statement: str) -> str:
        """Execute a statement and return its output; psql exits on an error."""
        assert self._psql.stdin is not None
        assert self._psql.stdout is not None
        self._psql.stdin.write(f"{statement};\n\\echo {_DONE}\n")
        self._psql.stdin.flush()
        output: list[str] = []
        while (line := self._psql.stdout.readline().rstrip("\n")) != _DONE:
            if self._psql.poll() is not None:
                raise AssertionError(f"{statement}: {line or output}")
            output.append(line)
        return "\n".join(output)


@contextmanager
def _running_psql(folder: Path, bin_folder: Path) -> Iterator[_Psql]:
    command = [str(bin_folder / "psql"), "-XqAt", "-v", "ON_ERROR_STOP=1"]
    with subprocess.Popen(
        [*command, "-h", str(folder), "-U", USER, "postgres"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as psql:
        yield _Psql(psql)
        # psql exits when its input is closed.


@contextmanager
def running() -> Iterator[Postgres]:
    bin_folder = binaries()
    with tempfile.TemporaryDirectory(prefix="orderdeck-pg-", dir=SHORT_LIVED) as name:
        folder = Path(name)
        _hand_over(folder)
        data = folder / "data"
        _as_user([str(bin_folder / "initdb"), "-D", str(data), "-U", USER, "-A", "trust", "-N"])
        control = [str(bin_folder / "pg_ctl"), "-D", str(data), "-w", "-s"]
        options = f"-k {folder} -c listen_addresses= -c fsync=off -c max_connections=200"
        _as_user([*control, "-o", options, "-l", str(folder / "log"), "start"])
        try:
            with _running_psql(folder, bin_folder) as session:
                yield Postgres(folder, session)
        finally:
            _as_user([*control, "-m", "immediate", "stop"])


def _hand_over(folder: Path) -> None:
    if os.geteuid() == 0:
        user = pwd.getpwnam(USER)
        os.chown(folder, user.pw_uid, user.pw_gid)


def _as_user(command: Sequence[str]) -> None:
    """PostgreSQL refuses to run as root."""
    prefix = ["runuser", "-u", USER, "--"] if os.geteuid() == 0 else []
    subprocess.run([*prefix, *command], check=True, capture_output=True, cwd="/")
