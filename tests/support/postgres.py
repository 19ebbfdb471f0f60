"""Starts a PostgreSQL server for tests, on a Unix socket in a temporary folder."""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

USER = "postgres"


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

    def __init__(self, folder: Path, bin_folder: Path) -> None:
        self._folder = folder
        self._bin = bin_folder
        self._copy_options = _copy_options(bin_folder)
        self._count = 0

    def url(self, name: str) -> str:
        return f"postgresql+asyncpg://{USER}@/{name}?host={self._folder}"

    def create(self, template: str = "template1") -> str:
        self._count += 1
        name = f"test_{self._count}"
        self.run("createdb", *self._copy_options, "-T", template, name)
        return name

    def drop(self, name: str) -> None:
        self.run("dropdb", "--force", name)

    def run(self, program: str, *arguments: str) -> None:
        command = [str(self._bin / program), "-h", str(self._folder), "-U", USER, *arguments]
        subprocess.run(command, check=True, capture_output=True)


@contextmanager
def running() -> Iterator[Postgres]:
    bin_folder = binaries()
    with tempfile.TemporaryDirectory(prefix="orderdeck-pg-") as name:
        folder = Path(name)
        _hand_over(folder)
        data = folder / "data"
        _as_user([str(bin_folder / "initdb"), "-D", str(data), "-U", USER, "-A", "trust", "-N"])
        control = [str(bin_folder / "pg_ctl"), "-D", str(data), "-w", "-s"]
        options = f"-k {folder} -c listen_addresses= -c fsync=off -c max_connections=200"
        _as_user([*control, "-o", options, "-l", str(folder / "log"), "start"])
        try:
            yield Postgres(folder, bin_folder)
        finally:
            _as_user([*control, "-m", "immediate", "stop"])


def _copy_options(bin_folder: Path) -> Sequence[str]:
    """The options to copy file by file, which is faster; before PostgreSQL 15 it did so anyway."""
    command = [str(bin_folder / "createdb"), "--help"]
    usage = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return ("--strategy", "file_copy") if "--strategy" in usage else ()


def _hand_over(folder: Path) -> None:
    if os.geteuid() == 0:
        user = pwd.getpwnam(USER)
        os.chown(folder, user.pw_uid, user.pw_gid)


def _as_user(command: Sequence[str]) -> None:
    """PostgreSQL refuses to run as root."""
    prefix = ["runuser", "-u", USER, "--"] if os.geteuid() == 0 else []
    subprocess.run([*prefix, *command], check=True, capture_output=True, cwd="/")
