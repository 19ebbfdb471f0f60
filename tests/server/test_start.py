"""What a start imports: no more than a paper server needs, and the doctor looks at the rest."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from app.cli.machine import LATE_LIBRARIES
from tests.cli.programs import ROOT, environ, run

# The modules of a server that has got ready, as `orderdeck serve` imports and opens them.
START = """
import asyncio, sys, uvloop
import app.cli
from app.asgi import create_app
from app.cli.environment import read_settings
from app.server.logs import configure_logs
from app.server.server import run_server

async def start():
    settings = read_settings()
    configure_logs(settings)
    api = create_app(settings)
    async with api.router.lifespan_context(api):
        print(*{name.partition(".")[0] for name in sys.modules})

asyncio.Runner(loop_factory=uvloop.new_event_loop).run(start())
"""
# Each is needed for one kind of account, database, certificate or command, which meets it at once.
OF_OTHER_WAYS = {"aiohttp", "asyncpg", "ccxt", "cryptography", "httpx"}
IMPORTED_AS = {
    "prometheus_client": "prometheus_client",
    "python_ulid": "ulid",
    "strawberry_graphql": "strawberry",
}


@pytest.fixture
def data_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """One that has been migrated, so that the start finds nothing to do."""
    monkeypatch.setenv("ORDERDECK_DATA_DIR", str(tmp_path / "data"))
    assert run("migrate").exit_code == 0
    return tmp_path / "data"


def loaded_at_ready() -> set[str]:
    started = subprocess.run(
        [sys.executable, "-c", START], env=environ(), capture_output=True, text=True, check=True
    )
    return set(started.stdout.split())


def libraries() -> set[str]:
    """The dependencies of the program, by the names they are imported by."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    names = {re.split(r"[=\[]", each)[0].replace("-", "_") for each in project["dependencies"]}
    return {IMPORTED_AS.get(name, name) for name in names}


@pytest.mark.usefixtures("data_folder")
def test_a_paper_server_imports_only_what_it_needs_and_the_doctor_looks_at_the_rest() -> None:
    loaded = loaded_at_ready()
    assert not {"mako", "ccxt", "cryptography", "numpy", "alembic"} & loaded
    # tzdata holds files, and is imported where the system has none of its own.
    assert libraries() - loaded - {"tzdata"} == OF_OTHER_WAYS | set(LATE_LIBRARIES)
