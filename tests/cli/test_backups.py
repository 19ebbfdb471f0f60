import asyncio
import os
import shlex
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

import pytest

from app.domain.risk.limits import TradingState, TradingStateRecord
from app.domain.risk.rules import ALL
from app.storage.upkeep.inspections import inspected
from tests.cli.programs import run
from tests.support import postgres
from tests.support.processes.clients import ApiClient
from tests.support.processes.servers import ServerProcess

MARKET = {"symbol": "BTC/USDT", "side": "BUY", "type": "MARKET", "amount": "0.01"}
AUDIT = "{ auditLog { nodes { actor action outcome } } }"
DATABASE = "sqlite+aiosqlite:///data/orderdeck.db"
CLEARING = '{"id": "1", "options": {"close_positions": true}, "began_at": "2026-01-05T12:00:00Z"}'
HALTED_BEFORE = '{"state": "HALTED", "reason": "before", "since": "2026-01-05T12:00:00Z"}'


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
    restored = await asyncio.to_thread(run, "restore", "copy", "--force")
    assert restored.exit_code == 0, restored.stderr
    assert "holds 1 orders" in restored.stdout
    assert "Trading is HALTED" in restored.stdout
    assert "client order ids are free again" in restored.stdout
    await server.start()
    assert (await api.place(**MARKET, clientOrderId="one")).is_replayed
    assert (await api.place(**MARKET, clientOrderId="two")).refusal == "TRADING_HALTED"
    entries = (await api.ask(AUDIT))["auditLog"]["nodes"]
    assert {"actor": "command line", "action": "restore", "outcome": "DONE"} in entries


def test_a_restore_leaves_trading_as_it_was_where_it_is_told_to() -> None:
    assert run("migrate").exit_code == 0
    assert run("backup", "copy").exit_code == 0
    told = run("restore", "copy", "--force", "--no-halt")
    assert told.exit_code == 0, told.stderr
    assert "Trading is as it was" in told.stdout
    assert standing(DATABASE).state is TradingState.ACTIVE


def test_a_backup_of_an_older_schema_is_halted_as_well() -> None:
    assert run("migrate", "--to", "0005").exit_code == 0
    assert run("backup", "copy").exit_code == 0
    assert run("restore", "copy", "--force").exit_code == 0
    halted = standing(DATABASE)
    assert halted.state is TradingState.HALTED
    assert halted.reason is not None
    assert halted.reason.startswith("restored from a backup written ")


@pytest.mark.parametrize("flags", [(), ("--no-halt",)])
def test_a_halt_that_was_closing_positions_does_not_go_on(flags: tuple[str, ...]) -> None:
    assert run("migrate").exit_code == 0
    change("INSERT INTO rules VALUES ('TO_CLEAR', 'paper', ?)", CLEARING)
    assert run("backup", "copy").exit_code == 0
    assert run("restore", "copy", "--force", *flags).exit_code == 0
    with closing(sqlite3.connect("data/orderdeck.db")) as database:
        found = database.execute("SELECT count(*) FROM rules WHERE kind = 'TO_CLEAR'")
        assert found.fetchone() == (0,)


def test_a_halt_of_before_the_backup_keeps_its_reason() -> None:
    assert run("migrate").exit_code == 0
    change("UPDATE rules SET value = ? WHERE kind = 'STANDING'", HALTED_BEFORE)
    assert run("backup", "copy").exit_code == 0
    assert run("restore", "copy", "--force").exit_code == 0
    assert standing(DATABASE).reason == "before"


def change(statement: str, *values: str) -> None:
    with closing(sqlite3.connect("data/orderdeck.db")) as connection, connection:
        connection.execute(statement, values)


def standing(url: str) -> TradingStateRecord:
    """Of all accounts."""

    async def read() -> TradingStateRecord:
        async with inspected(url) as view:
            return (await view.rules.read()).standings[ALL]

    return asyncio.run(read())


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
    assert standing(postgres_url).state is TradingState.HALTED
    do_as_told("restore", "--no-halt")
    assert standing(postgres_url).state is TradingState.ACTIVE


def do_as_told(command: str, *options: str) -> None:
    """Type every line that it says to type."""
    told = run(command, "copy", *options).stderr.splitlines()
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
