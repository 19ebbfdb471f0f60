"""One server on one SQLite database: a second is refused, and so is what must not run beside it."""

import os
import signal
import subprocess
from pathlib import Path

import pytest

from tests.cli.programs import COMMAND, environ, run, serving

DATABASE = Path("data/orderdeck.db")


def second_server() -> "subprocess.CompletedProcess[str]":
    command = [*COMMAND, "serve", "--port", "0"]
    return subprocess.run(
        command, env=environ(), capture_output=True, text=True, check=False, timeout=60
    )


def test_a_second_server_on_a_folder_is_refused_with_the_process_and_what_to_do() -> None:
    with serving() as (_, first):
        refused = second_server()
        assert refused.returncode == 1
        assert f"is in use by process {first.pid}: stop it first" in refused.stderr
        assert "data_dir of its own" in refused.stderr
        assert "Traceback" not in refused.stderr
        assert first.poll() is None


def test_a_killed_server_leaves_the_folder_free() -> None:
    with serving() as (_, first):
        os.kill(first.pid, signal.SIGKILL)
        first.wait()
    with serving() as (_, second):
        assert second.poll() is None
        assert f"process {second.pid}" in second_server().stderr


def test_the_database_is_one_by_whatever_path_it_is_reached(
    monkeypatch: pytest.MonkeyPatch, folder: Path
) -> None:
    with serving() as (_, first):
        (folder / "other").symlink_to(folder / "data")
        monkeypatch.setenv("ORDERDECK_DATA_DIR", "other")
        assert f"process {first.pid}" in second_server().stderr


def test_another_folder_is_served_beside_it(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving():
        monkeypatch.setenv("ORDERDECK_DATA_DIR", "other")
        with serving() as (_, second):
            assert second.poll() is None


def test_beside_a_server_a_backup_is_made_and_nothing_is_migrated_or_restored() -> None:
    with serving() as (_, first):
        assert run("backup", "copy.db").exit_code == 0
        before = DATABASE.stat().st_ino
        for command in (["migrate"], ["restore", "copy.db", "--force"]):
            refused = run(*command)
            assert refused.exit_code == 1
            assert f"is in use by process {first.pid}" in refused.stderr
        assert DATABASE.stat().st_ino == before
        assert run("token", "list").exit_code == 0
    assert run("migrate").exit_code == 0
    assert run("restore", "copy.db", "--force").exit_code == 0


def test_a_second_server_on_postgres_is_welcome(
    monkeypatch: pytest.MonkeyPatch, postgres_url: str
) -> None:
    monkeypatch.setenv("ORDERDECK_DATABASE_URL", postgres_url)
    with serving(), serving() as (_, second):
        assert second.poll() is None
