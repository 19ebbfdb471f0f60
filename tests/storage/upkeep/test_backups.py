import random
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from app.errors import CopyRefused, SchemaMismatch, StorageUnavailable
from app.storage.upkeep.backups import back_up, examine, postgres_options
from app.storage.upkeep.restores import check_free, restore
from tests.conftest import START


@pytest.fixture
def database(sqlite_url: str) -> Path:
    return Path(sqlite_url.removeprefix("sqlite+aiosqlite:///"))


@pytest.fixture
def backup(database: Path, tmp_path: Path) -> Path:
    path = tmp_path / "copies" / "backup"
    path.parent.mkdir()
    back_up(database, path, may_replace=False)
    return path


@contextmanager
def used(path: Path) -> Iterator[sqlite3.Connection]:
    """As a server has it open."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("SELECT count(*) FROM log").fetchone()
        yield connection


def change(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for statement in statements:
            connection.execute(statement)


def identity(path: Path) -> str:
    with closing(sqlite3.connect(path)) as connection:
        return str(connection.execute("SELECT identity FROM log").fetchone()[0])


def test_a_backup_is_one_file_for_its_owner_alone(backup: Path) -> None:
    assert [each.name for each in backup.parent.iterdir()] == ["backup"]
    assert stat.S_IMODE(backup.stat().st_mode) == 0o600
    assert examine(backup).size_bytes == backup.stat().st_size


def test_a_backup_holds_what_was_committed_and_not_what_was_not(
    database: Path, tmp_path: Path
) -> None:
    with used(database) as writing:
        writing.execute("UPDATE log SET identity = 'committed'")
        writing.execute("BEGIN IMMEDIATE")
        writing.execute("UPDATE log SET identity = 'never'")
        back_up(database, tmp_path / "backup", may_replace=False)
        writing.execute("ROLLBACK")
    assert identity(tmp_path / "backup") == "committed"


def test_what_exists_is_replaced_only_where_that_is_asked_for(database: Path, backup: Path) -> None:
    before = identity(backup)
    change(database, "UPDATE log SET identity = 'newer'")
    with pytest.raises(CopyRefused, match="--force"):
        back_up(database, backup, may_replace=False)
    assert identity(backup) == before
    back_up(database, backup, may_replace=True)
    assert identity(backup) == "newer"


@pytest.mark.parametrize("ending", ["", "-wal", "-shm"])
def test_the_database_is_not_its_own_backup(database: Path, ending: str) -> None:
    target = database.with_name(f"{database.name}{ending}")
    with pytest.raises(CopyRefused, match="itself"):
        back_up(database, target, may_replace=True)


@pytest.mark.parametrize("seed", range(20))
def test_a_damaged_database_leaves_the_backup_of_before(
    database: Path, backup: Path, seed: int
) -> None:
    before = backup.read_bytes()
    damage(database, seed)
    with pytest.raises((CopyRefused, StorageUnavailable), match="damaged"):
        back_up(database, backup, may_replace=True)
    assert backup.read_bytes() == before
    assert len(list(backup.parent.iterdir())) == 1


def damage(path: Path, seed: int) -> None:
    """In the middle, so that it can still be opened."""
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(size // 3)
        file.write(random.Random(seed).randbytes(size // 3))


def test_a_table_whose_name_is_no_text_is_damage(database: Path, backup: Path) -> None:
    rename = "UPDATE sqlite_master SET name = CAST(x'78dc' AS TEXT), sql = 'x' WHERE name = 'fills'"
    change(database, "PRAGMA writable_schema = ON", rename)
    with pytest.raises(StorageUnavailable, match="damaged"):
        back_up(database, backup, may_replace=True)


def test_a_folder_that_is_not_there_is_told(database: Path, tmp_path: Path) -> None:
    with pytest.raises(CopyRefused, match="cannot be written: No such"):
        back_up(database, tmp_path / "nowhere" / "backup", may_replace=False)


def test_what_stood_there_is_kept(database: Path, backup: Path) -> None:
    change(database, "UPDATE log SET identity = 'before'")
    assert check_free(backup, database, may_replace=True)
    restored = restore(backup, database, START)
    assert restored.kept is not None
    assert restored.kept.name == "orderdeck.db.before-20260105T120000Z"
    assert identity(restored.kept) == "before"
    assert identity(database) not in {"before", identity(backup)}
    assert stat.S_IMODE(database.stat().st_mode) == 0o600


def test_a_database_that_somebody_uses_is_not_replaced(database: Path, backup: Path) -> None:
    with used(database), pytest.raises(CopyRefused, match="in use"):
        check_free(backup, database, may_replace=True)


def test_a_server_that_starts_while_the_backup_is_copied_keeps_its_database(
    database: Path, backup: Path
) -> None:
    change(database, "UPDATE log SET identity = 'before'")
    with used(database), pytest.raises(CopyRefused, match="in use"):
        restore(backup, database, START)
    assert identity(database) == "before"


def test_a_database_that_exists_is_not_replaced_unasked(database: Path, backup: Path) -> None:
    with pytest.raises(CopyRefused, match="--force"):
        check_free(backup, database, may_replace=False)


def test_a_damaged_database_is_kept_with_the_log_that_lies_beside_it(
    database: Path, backup: Path
) -> None:
    database.write_bytes(b"this is no database " * 500)
    log = database.with_name("orderdeck.db-wal")
    log.write_bytes(b"a log")
    assert not check_free(backup, database, may_replace=True)
    kept = restore(backup, database, START).kept
    assert kept is not None
    assert kept.with_name(f"{kept.name}-wal").read_bytes() == b"a log"
    assert not log.exists()
    assert examine(database).revision == examine(backup).revision


@pytest.mark.parametrize("seed", range(20))
def test_a_damaged_backup_changes_nothing(database: Path, backup: Path, seed: int) -> None:
    before = identity(database)
    damage(backup, seed)
    with pytest.raises((CopyRefused, StorageUnavailable), match="damaged"):
        restore(backup, database, START)
    assert identity(database) == before
    assert not list(database.parent.glob("*.before-*"))
    assert not list(database.parent.glob(".*unfinished*"))


def test_a_newer_backup_is_refused(database: Path, backup: Path) -> None:
    change(backup, "UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(SchemaMismatch, match="run the newer orderdeck"):
        restore(backup, database, START)


def test_another_program_s_file_is_refused(database: Path, tmp_path: Path) -> None:
    change(tmp_path / "foreign", "CREATE TABLE log (id)")
    with pytest.raises(CopyRefused, match="not a database of orderdeck"):
        restore(tmp_path / "foreign", database, START)


@pytest.mark.parametrize(
    ("url", "options"),
    [
        (
            "postgresql+asyncpg://me:secret@db.example.com:5433/deck",
            "--host=db.example.com --port=5433 --username=me --dbname=deck",
        ),
        ("postgresql+asyncpg:///deck?host=/run/pg", "--host=/run/pg --dbname=deck"),
    ],
)
def test_the_programs_of_postgres_are_not_told_the_password(url: str, options: str) -> None:
    assert postgres_options(url) == options
