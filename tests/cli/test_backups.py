import asyncio
import os
import shlex
import subprocess
from pathlib import Path

import pytest

from app.storage.inspections import inspected
from tests import postgres
from tests.cli.programs import run
from tests.system.clients import ApiClient
from tests.system.servers import ServerProcess

MARKET = {"symbol": "BTC/USDT", "side": "BUY", "type": "MARKET", "amount": "0.01"}


async def test_a_running_server_is_copied_and_is_not_replaced(
    server: ServerProcess, api: ApiClient, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ORDERDECK_DATABASE_URL", server.database_url)
    await api.place(**MARKET, clientOrderId="one")
    told = run("backup", "copy")
    assert told.exit_code == 0, told.stderr
    assert told.stdout.startswith("copy holds 1 orders and 3 events at schema ")
    refused = run("restore", "copy", "--force")
    assert refused.exit_code == 1
    assert "stop the server first" in refused.stderr
    assert (await api.place(**MARKET, clientOrderId="one")).is_replayed
    await server.stop()
    restored = run("restore", "copy", "--force")
    assert restored.exit_code == 0, restored.stderr
    assert "holds 1 orders" in restored.stdout
    assert "client order ids are free again" in restored.stdout
    await server.start()
    assert (await api.place(**MARKET, clientOrderId="one")).is_replayed


def test_a_file_that_exists_is_told(folder: Path) -> None:
    assert run("migrate").exit_code == 0
    (folder / "copy").touch()
    told = run("backup", "copy")
    assert told.exit_code == 1
    assert "--force" in told.stderr


def test_with_postgres_what_it_says_is_what_does_it(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ORDERDECK_DATABASE_URL", postgres_url)
    monkeypatch.setenv("PATH", f"{postgres.binaries()}:{os.environ['PATH']}")
    assert run("token", "create", "kept", "--scope", "READ").exit_code == 0
    before = log_identity(postgres_url)
    do_as_told("backup")
    assert run("token", "create", "later", "--scope", "READ").exit_code == 0
    do_as_told("restore")
    tokens = run("token", "list").stdout
    assert "kept" in tokens
    assert "later" not in tokens
    assert log_identity(postgres_url) != before


def do_as_told(command: str) -> None:
    """Type every line that it says to type."""
    told = run(command, "copy").stderr.splitlines()
    typed = [line for line in told if line.startswith("  ")]
    assert typed
    for line in typed:
        subprocess.run(shlex.split(line), check=True, capture_output=True)


def log_identity(url: str) -> str:
    async def read() -> str:
        async with inspected(url) as view:
            return (await view.events.state()).head.log

    return asyncio.run(read())


@pytest.mark.parametrize(("command", "program"), [("backup", "pg_dump"), ("restore", "pg_restore")])
def test_with_postgres_it_says_how_and_not_with_which_password(
    monkeypatch: pytest.MonkeyPatch, command: str, program: str
) -> None:
    url = "postgresql+asyncpg://me:very-secret@db.example.com/deck"
    monkeypatch.setenv("ORDERDECK_DATABASE_URL", url)
    told = run(command, "my {copy}")
    assert told.exit_code == 1
    assert f"{program} --host=db.example.com --username=me --dbname=deck" in told.stderr
    assert "'my {copy}'" in told.stderr
    assert "very-secret" not in told.output
