import subprocess
import sys

import pytest

from app import __version__
from tests.cli.programs import environ, run


def test_help_names_every_command() -> None:
    result = run("--help")
    assert result.exit_code == 0
    for command in ("serve", "migrate", "token", "schema"):
        assert command in result.stdout


_HEAVY = {"ccxt", "strawberry", "sqlalchemy", "alembic", "pydantic", "uvicorn", "httpx", "rich"}


def test_help_waits_for_no_heavy_library() -> None:
    code = "import sys, app.cli; print(*{name.partition('.')[0] for name in sys.modules})"
    loaded = subprocess.run(
        [sys.executable, "-c", code], env=environ(), capture_output=True, text=True, check=True
    ).stdout.split()
    assert not _HEAVY & set(loaded)


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
