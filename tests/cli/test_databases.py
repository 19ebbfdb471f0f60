import sqlite3
from pathlib import Path

from tests.cli.programs import run


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
