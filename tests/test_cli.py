import os
import signal
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from starlette.types import Receive, Scope, Send
from typer.testing import CliRunner, Result

from app import __version__, cli
from app.domain.tokens import ADMIN_FILE
from app.errors import SettingsError, StorageUnavailable

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(autouse=True)
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A working directory of its own, and nothing set."""
    for name in [name for name in os.environ if name.startswith("ORDERDECK_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*arguments: str) -> Result:
    return CliRunner().invoke(cli.app, list(arguments))


def made_token(*arguments: str) -> tuple[str, str]:
    """The id and the secret of a new token."""
    result = run("token", "create", *arguments)
    assert result.exit_code == 0, result.stderr
    return result.stderr.split()[1], result.stdout.strip()


@contextmanager
def listening() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        yield taken.getsockname()[1]


@contextmanager
def serving(*arguments: str) -> Iterator[tuple[dict[str, str], "subprocess.Popen[str]"]]:
    """A server of its own process, and what its banner says."""
    command = [sys.executable, "-m", "app", "serve", "--port", "0", *arguments]
    environ = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            title = process.stdout.readline().strip()
            lines = [process.stdout.readline().split(maxsplit=1) for _ in range(4)]
            yield {"title": title, **{name: value.strip() for name, value in lines}}, process
        finally:
            process.kill()


def test_help_names_every_command() -> None:
    result = run("--help")
    assert result.exit_code == 0
    for command in ("serve", "migrate", "token", "schema"):
        assert command in result.stdout


def test_help_waits_for_no_heavy_library() -> None:
    code = "import sys, app.cli; print(*{name.partition('.')[0] for name in sys.modules})"
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    loaded = subprocess.run(
        [sys.executable, "-c", code], env=environ, capture_output=True, text=True, check=True
    ).stdout.split()
    assert not {"ccxt", "strawberry", "sqlalchemy", "alembic", "pydantic"} & set(loaded)


def test_the_version_is_told() -> None:
    assert run("--version").stdout == f"orderdeck {__version__}\n"


@pytest.mark.parametrize(
    "arguments",
    [
        ["serve", "--port", "70000"],
        ["serve", "--detach"],
        ["token", "create", "a bot"],
        ["token", "create", "a bot", "--scope", "everything"],
        ["token", "create", "a bot", "--scope", "READ", "--expires-in", "soon"],
        ["token", "create", "a bot", "--scope", "READ", "--expires-in", "0d"],
        ["token", "revoke"],
        ["dance"],
    ],
)
def test_wrong_usage_ends_with_2(arguments: list[str]) -> None:
    assert run(*arguments).exit_code == 2


@pytest.mark.parametrize(
    "arguments", [["serve"], ["migrate"], ["token", "list"], ["token", "revoke", "x"]]
)
def test_bad_settings_end_with_2_and_are_all_told(
    monkeypatch: pytest.MonkeyPatch, arguments: list[str]
) -> None:
    monkeypatch.setenv("ORDERDECK_PORT", "x")
    monkeypatch.setenv("ORDERDECK_DATA_DRI", "x")
    result = run(*arguments)
    assert result.exit_code == 2
    assert len(result.stderr.splitlines()) == 2
    assert "ORDERDECK_PORT" in result.stderr
    assert "ORDERDECK_DATA_DIR" in result.stderr


def test_a_port_that_is_taken_is_told_before_anything_is_started(folder: Path) -> None:
    with listening() as port:
        result = run("serve", "--port", str(port))
    assert result.exit_code == 1
    assert f"port {port}: another program" in result.stderr
    assert list(folder.iterdir()) == []


def test_a_host_that_is_unknown_is_told() -> None:
    result = run("serve", "--host", "nowhere.invalid", "--port", "0")
    assert result.exit_code == 1
    assert "nowhere.invalid" in result.stderr


def test_a_data_folder_that_cannot_be_written_is_told(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "file").touch()
    monkeypatch.setenv("ORDERDECK_DATA_DIR", "file/data")
    result = run("serve", "--port", "0")
    assert result.exit_code == 1
    assert f"data folder {folder / 'file' / 'data'} cannot be written" in result.stderr


def test_a_token_is_made_listed_and_revoked() -> None:
    made_token("the first", "--scope", "ADMIN")
    token_id, secret = made_token(
        "a bot", "--scope", "read", "--scope", "TRADE", "--account", "paper", "--expires-in", "30d"
    )
    assert secret.startswith("odk_")
    assert run("token", "revoke", token_id).exit_code == 0
    headings, newest, oldest = run("token", "list").stdout.splitlines()
    assert headings.split()[:4] == ["ID", "NAME", "SCOPES", "ACCOUNTS"]
    assert newest.startswith(token_id)
    assert "READ,TRADE  paper" in newest
    assert newest.endswith("revoked")
    assert oldest.endswith("valid")
    assert secret not in f"{newest}{oldest}"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["token", "revoke", "nothing"], "no token with this id"),
        (["token", "create", "a\nbot", "--scope", "READ"], "name must"),
        (["token", "create", "a bot", "--scope", "READ", "--account", "x"], "there is paper"),
    ],
)
def test_a_denial_is_told_in_words(arguments: list[str], words: str) -> None:
    result = run(*arguments)
    assert result.exit_code == 1
    assert words in result.stderr
    assert "Traceback" not in result.output


def test_the_last_admin_token_is_kept() -> None:
    token_id, _ = made_token("the only one", "--scope", "ADMIN")
    result = run("token", "revoke", token_id)
    assert result.exit_code == 1
    assert "last valid ADMIN token" in result.stderr


def test_migrating_says_where_the_database_is() -> None:
    assert run("migrate").stdout == "The database is at schema head.\n"
    assert run("migrate", "--to", "base").exit_code == 0


def test_a_damaged_database_is_told(folder: Path) -> None:
    (folder / "data").mkdir()
    (folder / "data" / "orderdeck.db").write_bytes(b"this is no database " * 500)
    result = run("token", "list")
    assert result.exit_code == 1
    assert "damaged" in result.stderr
    assert "Traceback" not in result.output


def test_a_newer_database_is_told(folder: Path) -> None:
    assert run("migrate").exit_code == 0
    with sqlite3.connect(folder / "data" / "orderdeck.db") as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()
    result = run("token", "list")
    assert result.exit_code == 1
    assert "newer" in result.stderr


def test_the_schema_is_printed() -> None:
    result = run("schema", "print")
    assert result.exit_code == 0
    assert "type Mutation {" in result.stdout


class FailingApp:
    """Starts as badly as it is told to."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "lifespan.startup.failed", "message": "Traceback"})
        raise self._error


@pytest.mark.parametrize(
    "error",
    [
        StorageUnavailable("the disk is full"),
        ExceptionGroup("", [SettingsError(("one", "two"))]),
        RuntimeError("nobody thought of it"),
    ],
)
def test_what_keeps_the_server_from_starting_is_raised(
    error: Exception, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener, pytest.raises(type(error)) as caught:
        cli.run_server(FailingApp(error), listener, banner=lambda: "ready")
    assert caught.value is error
    printed = capsys.readouterr()
    assert "Traceback" not in printed.err
    assert "ready" not in printed.out


def test_serve_answers_where_its_banner_says(folder: Path) -> None:
    with serving() as (banner, process):
        assert "PAPER" in banner["title"]
        assert banner["data"] == str(folder / "data")
        secret = (folder / "data" / ADMIN_FILE).read_text().strip()
        assert str(folder / "data" / ADMIN_FILE) in banner["token"]
        answer = httpx.post(
            banner["API"],
            json={"query": "{ viewer { scopes } }"},
            headers={"Authorization": f"Bearer {secret}"},
        )
        assert answer.json() == {"data": {"viewer": {"scopes": ["ADMIN"]}}}
        assert "server" not in answer.headers
        process.send_signal(signal.SIGINT)
        assert process.wait() == 0


def test_serve_tells_a_damaged_database_without_a_traceback(folder: Path) -> None:
    (folder / "data").mkdir()
    (folder / "data" / "orderdeck.db").write_bytes(b"this is no database " * 500)
    result = run("serve", "--port", "0")
    assert result.exit_code == 1
    assert "damaged" in result.stderr
    assert "Traceback" not in result.output
