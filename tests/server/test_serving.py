import asyncio
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import httpx
import pytest
import uvicorn
from starlette.types import Receive, Scope, Send
from uvicorn.server import ServerState
from websockets.protocol import State

from app.domain.access.tokens import ADMIN_FILE
from app.errors import SettingsError, StorageUnavailable
from app.server.listening import SEND_BUFFER_BYTES, listen
from app.server.protocols import LimitedWebSocket
from app.server.server import run_server
from app.settings import load_settings
from tests.cli.programs import run, serving
from tests.support.certificates import make_pair


@contextmanager
def listening() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        yield taken.getsockname()[1]


def test_nobody_listens_beyond_this_machine_without_tls(folder: Path) -> None:
    result = run("serve", "--host", "0.0.0.0", "--port", "0")  # noqa: S104
    assert result.exit_code == 1
    assert "without TLS" in result.stderr
    assert not (folder / "data").exists()


def test_a_certificate_that_cannot_be_used_is_told(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pair = make_pair(folder)
    monkeypatch.setenv("ORDERDECK_TLS_CERT", str(pair.key))
    monkeypatch.setenv("ORDERDECK_TLS_KEY", str(pair.key))
    result = run("serve", "--port", "0")
    assert result.exit_code == 1
    assert "must be PEM files" in result.stderr


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


def test_the_system_keeps_little_for_whoever_does_not_read() -> None:
    with (
        listen("127.0.0.1", 0) as listener,
        socket.create_connection(listener.getsockname()),
        listener.accept()[0] as accepted,
    ):
        kept = accepted.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF)
    assert kept <= 2 * SEND_BUFFER_BYTES


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
    error: Exception, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    settings = load_settings({}, tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as listener, pytest.raises(type(error)) as caught:
        run_server(FailingApp(error), listener, settings)
    assert caught.value is error
    printed = capsys.readouterr()
    assert "Traceback" not in printed.err
    assert "orderdeck" not in printed.out


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


def test_a_client_that_leaves_just_then_does_not_keep_the_server_from_stopping() -> None:
    config = uvicorn.Config(FailingApp(RuntimeError()), ws=LimitedWebSocket, log_config=None)
    config.load()
    leaving = LimitedWebSocket(config, ServerState(), {}, asyncio.new_event_loop())
    wire = Wire()
    leaving.transport = wire
    leaving.scope = cast("Any", {"extensions": {}})
    leaving.handshake_complete = True
    leaving.conn.state = State.CLOSING
    leaving.shutdown()
    assert wire.is_closing()
    leaving.loop.close()


class Wire(asyncio.Transport):
    """Takes whatever is written, and is closed once."""

    def __init__(self) -> None:
        super().__init__()
        self._is_closed = False

    def write(self, data: object) -> None:
        assert not self._is_closed

    def close(self) -> None:
        self._is_closed = True

    def is_closing(self) -> bool:
        return self._is_closed
