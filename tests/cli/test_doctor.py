import asyncio
import json
import os
import socket
import sqlite3
import subprocess
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from app.domain.access.tokens import ADMIN_FILE
from app.runtime import Parts, open_runtime
from app.settings import load_settings
from tests.cli.programs import COMMAND, environ, run, serving
from tests.support import postgres
from tests.support.certificates import make_pair
from tests.support.clock import ManualClock
from tests.support.makers import make_request

PASSWORD = "a-password-that-nobody-may-see"
Findings = dict[str, dict[str, Any]]


def examine(*arguments: str) -> tuple[int, Findings]:
    """How the doctor ends, and what it finds, by name."""
    result = run("doctor", "--json", *arguments)
    told = json.loads(result.stdout)
    return result.exit_code, {finding["name"]: finding for finding in told["findings"]}


def fault(name: str, *arguments: str) -> str:
    """The only fault, in words; the rest is well enough."""
    code, findings = examine(*arguments)
    faults = [each for each, found in findings.items() if found["level"] == "fault"]
    assert (code, faults) == (1, [name]), findings
    assert findings[name]["advice"]
    return str(findings[name]["words"])


def contents(folder: Path) -> dict[str, tuple[bytes, int]]:
    """Every file with all that could change about it."""
    return {
        str(path.relative_to(folder)): (
            path.read_bytes() if path.is_file() else b"",
            path.stat().st_mtime_ns,
        )
        for path in sorted(folder.rglob("*"))
    }


def start_in(folder: Path, clock: ManualClock) -> None:
    """A server's first start, with one order placed at the time of that clock."""

    async def start() -> None:
        (folder / "data").mkdir(mode=0o700)
        settings = load_settings(os.environ, folder)
        async with open_runtime(settings, Parts(clock=clock)) as services:
            await services.orders.place(make_request())

    # In a process of its own: what is cancelled while it reads may hold the file for a while.
    if (child := os.fork()) == 0:
        code = 1
        try:
            asyncio.run(start())
            code = 0
        finally:
            os._exit(code)
    assert os.waitpid(child, 0)[1] == 0
    with closing(sqlite3.connect(folder / "data" / "orderdeck.db")) as last:
        last.execute("PRAGMA wal_checkpoint(TRUNCATE)")


@pytest.fixture(autouse=True)
def free_port(monkeypatch: pytest.MonkeyPatch) -> int:
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port: int = taken.getsockname()[1]
    monkeypatch.setenv("ORDERDECK_PORT", str(port))
    return port


@pytest.fixture
def database(folder: Path) -> Path:
    """Of a server that was started and stopped an hour ago."""
    start_in(folder, ManualClock(datetime.now(UTC) - timedelta(hours=1)))
    return folder / "data" / "orderdeck.db"


@pytest.mark.usefixtures("database")
def test_a_healthy_world_is_well_in_every_point() -> None:
    code, findings = examine()
    assert (code, {found["level"] for found in findings.values()}) == (0, {"ok"}), findings
    assert set(findings) == {
        "settings", "libraries", "data folder", "disk", "open files", "database", "schema",
        "integrity", "clock", "account paper", "admin token", "privacy", "port",
    }  # fmt: skip
    assert findings["account paper"]["words"] == "PAPER on paper, 4 markets, connected"


def test_nothing_is_changed_where_a_server_was(folder: Path, database: Path) -> None:
    before = contents(folder)
    assert str(database.relative_to(folder)) in before
    examine()
    assert contents(folder) == before


def test_before_the_first_start_all_is_well_and_nothing_is_made(folder: Path) -> None:
    code, findings = examine()
    assert (code, {found["level"] for found in findings.values()}) == (0, {"ok"}), findings
    assert "made at the first start" in findings["database"]["words"]
    assert list(folder.iterdir()) == []


def test_a_running_server_is_looked_at_without_being_disturbed(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving() as (banner, _):
        monkeypatch.setenv("ORDERDECK_PORT", banner["API"].split(":")[2].split("/")[0])
        names = sorted(contents(folder))
        code, findings = examine()
        assert (code, {found["level"] for found in findings.values()}) == (0, {"ok"}), findings
        assert "an orderdeck is running" in findings["port"]["words"]
        assert sorted(contents(folder)) == names


@pytest.mark.slow
def test_what_a_killed_server_left_in_its_log_is_read(folder: Path) -> None:
    with serving() as (_, process):
        process.kill()
        process.wait()
    assert (folder / "data" / "orderdeck.db-wal").stat().st_size > 0
    code, findings = examine()
    assert (code, findings["schema"]["level"], findings["integrity"]["level"]) == (0, "ok", "ok")


def test_a_log_without_its_index_is_left_alone(folder: Path) -> None:
    with serving() as (_, process):
        process.kill()
        process.wait()
    (folder / "data" / "orderdeck.db-shm").unlink()
    before = contents(folder)
    code, findings = examine()
    assert (code, findings["database"]["level"]) == (0, "warning")
    assert "waits to be taken over" in findings["database"]["words"]
    assert contents(folder) == before


def test_a_database_that_is_behind_is_a_warning(database: Path) -> None:
    assert run("migrate", "--to", "base").exit_code == 0
    code, findings = examine()
    assert (code, findings["schema"]["level"]) == (0, "warning")
    assert "orderdeck migrate" in findings["schema"]["advice"]
    assert database.exists()


def test_a_database_that_is_newer_is_a_fault(database: Path) -> None:
    write(database, "UPDATE alembic_version SET version_num = '9999'")
    assert "9999, which is newer" in fault("schema")


def test_a_file_that_is_no_database_is_a_fault(database: Path) -> None:
    database.write_bytes(b"this is no database " * 500)
    assert "damaged" in fault("database")


def test_a_file_with_holes_is_a_fault(database: Path) -> None:
    with database.open("r+b") as file:
        file.seek(3 * 4096)
        file.write(os.urandom(20 * 4096))
    assert "damaged" in fault("integrity")


def test_a_row_that_points_to_nothing_is_a_fault(database: Path) -> None:
    write(database, "UPDATE fills SET order_id = 'nothing'")
    assert "a row of fills points to nothing" in fault("integrity")


def test_a_clock_behind_the_log_is_a_fault(folder: Path) -> None:
    start_in(folder, ManualClock(datetime.now(UTC) + timedelta(hours=30)))
    assert "behind the last recorded event" in fault("clock")


def test_a_library_that_cannot_be_imported_is_a_fault(folder: Path) -> None:
    (folder / "numpy.py").write_text("raise ImportError('no such file: libopenblas.so')")
    with_it = environ() | {"PYTHONPATH": os.pathsep.join((str(folder), environ()["PYTHONPATH"]))}
    command = [*COMMAND, "doctor", "--json"]
    told = subprocess.run(command, env=with_it, capture_output=True, text=True, check=False)
    faults = [each for each in json.loads(told.stdout)["findings"] if each["level"] == "fault"]
    assert [fault["name"] for fault in faults] == ["libraries"]
    assert "numpy cannot be imported: no such file: libopenblas.so" in faults[0]["words"]


def test_a_database_that_may_not_be_read_is_a_fault(folder: Path) -> None:
    (folder / "data" / "orderdeck.db").mkdir(parents=True)
    assert "it is no file" in fault("database")


def test_an_admin_token_for_everybody_is_a_fault(folder: Path, database: Path) -> None:
    assert database.exists()
    (folder / "data" / ADMIN_FILE).chmod(0o644)
    assert "mode 0644" in fault("admin token")


def test_an_admin_token_that_is_none_is_a_fault(folder: Path, database: Path) -> None:
    assert database.exists()
    (folder / "data" / ADMIN_FILE).write_text("short\n")
    assert "holds no token" in fault("admin token")


def test_another_admin_token_is_as_good_as_the_file(folder: Path, database: Path) -> None:
    assert database.exists()
    (folder / "data" / ADMIN_FILE).unlink()
    assert "another ADMIN token" in examine()[1]["admin token"]["words"]
    write(database, "UPDATE tokens SET revoked_at = 1")
    code, findings = examine()
    assert (code, findings["admin token"]["level"]) == (0, "warning")


def test_a_data_folder_for_everybody_is_a_warning(folder: Path, database: Path) -> None:
    assert database.exists()
    (folder / "data").chmod(0o755)
    code, findings = examine()
    assert (code, findings["data folder"]["level"]) == (0, "warning")
    assert "mode 0755" in findings["data folder"]["words"]


def test_a_file_where_the_data_folder_should_be_is_a_fault(folder: Path) -> None:
    (folder / "data").touch()
    code, findings = examine()
    assert (code, findings["data folder"]["level"]) == (1, "fault")


@pytest.mark.slow
def test_a_port_of_a_stranger_is_a_fault(free_port: int) -> None:
    with stranger(free_port):
        assert "another program" in fault("port")


def test_a_host_that_is_unknown_is_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORDERDECK_HOST", "nowhere.invalid")
    assert "not known" in fault("port")


@pytest.mark.parametrize(
    ("days", "level", "words"),
    [(90, "ok", "stands until"), (10, "warning", "stands until"), (-0.5, "fault", "stands until")],
)
@pytest.mark.usefixtures("database")
def test_a_certificate_is_told_before_it_ends(
    folder: Path, monkeypatch: pytest.MonkeyPatch, days: float, level: str, words: str
) -> None:
    pair = make_pair(folder, days=days)
    monkeypatch.setenv("ORDERDECK_TLS_CERT", str(pair.cert))
    monkeypatch.setenv("ORDERDECK_TLS_KEY", str(pair.key))
    privacy = examine()[1]["privacy"]
    assert privacy["level"] == level
    assert words in privacy["words"]


@pytest.mark.usefixtures("database")
def test_a_key_that_others_can_read_is_a_warning(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pair = make_pair(folder)
    pair.key.chmod(0o644)
    monkeypatch.setenv("ORDERDECK_TLS_CERT", str(pair.cert))
    monkeypatch.setenv("ORDERDECK_TLS_KEY", str(pair.key))
    assert examine()[1]["privacy"]["level"] == "warning"
    pair.key.write_text("no key")
    assert "must be PEM files" in fault("privacy")


def test_listening_beyond_this_machine_without_tls_is_a_fault(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ORDERDECK_HOST", "0.0.0.0")  # noqa: S104
    assert "without TLS" in fault("privacy")
    monkeypatch.setenv("ORDERDECK_BEHIND_PROXY", "true")
    assert examine()[1]["privacy"]["level"] == "ok"


def test_too_few_open_files_are_a_fault() -> None:
    line = f"ulimit -n 200; exec {' '.join(COMMAND)} doctor"
    command = ["/bin/sh", "-c", line]
    told = subprocess.run(command, env=environ(), capture_output=True, text=True, check=False)
    assert told.returncode == 1
    assert "fault\topen files\ta server may open 200" in told.stdout


def test_bad_settings_are_all_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORDERDECK_PORT", "x")
    monkeypatch.setenv("ORDERDECK_DATA_DRI", "x")
    result = run("doctor")
    assert result.exit_code == 2
    lines = result.stdout.splitlines()
    assert [line.split("\t")[:2] for line in lines] == [["fault", "settings"]] * 2
    assert "ORDERDECK_PORT" in result.stdout
    assert "ORDERDECK_DATA_DIR" in result.stdout
    assert json.loads(run("doctor", "--json").stdout)["level"] == "fault"


def test_one_account_can_be_looked_at_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORDERDECK_ACCOUNTS__SECOND__EXCHANGE", "paper")
    monkeypatch.setenv("ORDERDECK_ACCOUNTS__THIRD__EXCHANGE", "paper")
    assert {"account second", "account third"} <= set(examine()[1])
    assert "account third" not in examine("--account", "second")[1]
    assert run("doctor", "--account", "fourth").exit_code == 2


def test_postgres_is_looked_at_from_the_tables_to_the_clock(
    monkeypatch: pytest.MonkeyPatch, postgres_url: str
) -> None:
    monkeypatch.setenv("ORDERDECK_DATABASE_URL", postgres_url)
    code, findings = examine()
    assert code == 0, findings
    assert findings["database"]["words"].startswith("PostgreSQL 1")
    assert findings["schema"]["level"] == "ok"
    assert "0.0 s apart" in findings["clock against the database"]["words"]
    assert run("migrate", "--to", "base").exit_code == 0
    assert examine()[1]["schema"]["level"] == "warning"


def test_postgres_without_the_database_is_told(
    monkeypatch: pytest.MonkeyPatch, postgres_server: postgres.Postgres
) -> None:
    monkeypatch.setenv("ORDERDECK_DATABASE_URL", postgres_server.url("nothing"))
    assert "no database of this name" in fault("database")


def test_postgres_that_is_not_there_is_told_without_the_password(
    monkeypatch: pytest.MonkeyPatch, free_port: int
) -> None:
    url = f"postgresql+asyncpg://me:{PASSWORD}@127.0.0.1:{free_port}/deck"
    monkeypatch.setenv("ORDERDECK_DATABASE_URL", url)
    words = fault("database")
    assert f"deck on 127.0.0.1:{free_port}" in words
    assert "nothing listens there" in words
    assert PASSWORD not in run("doctor").output


def write(database: Path, statement: str) -> None:
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute(statement)


@contextmanager
def stranger(port: int) -> Iterator[None]:
    """A program that says something to everybody, and it is not HTTP."""
    with socket.create_server(("127.0.0.1", port)) as listener:

        def greet() -> None:
            with closing(listener.accept()[0]) as connection:
                connection.sendall(b"220 mail is welcome\r\n")

        greeting = threading.Thread(target=greet)
        greeting.start()
        yield
        greeting.join()
