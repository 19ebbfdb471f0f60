"""Changes the schema of a database with alembic; imported only if there is something to change."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection

from app.errors import SchemaMismatch

_ROOT = Path(__file__).resolve().parents[3]


def change(connection: Connection, current: str | None, revision: str) -> None:
    """Bring the schema from one revision to another, older or newer."""
    config = _config()
    config.attributes["connection"] = connection
    if revision == "base" or _is_behind(config, revision, current):
        command.downgrade(config, revision)
    else:
        command.upgrade(config, revision)


def _is_behind(config: Config, revision: str, current: str | None) -> bool:
    script = ScriptDirectory.from_config(config)
    try:
        wanted = script.get_revision(revision)
    except CommandError:
        raise SchemaMismatch(f"there is no schema {revision}") from None
    if current is None or wanted.revision == current:
        return False
    return wanted.revision in {
        older.revision for older in script.iterate_revisions(current, "base")
    }


def _config() -> Config:
    config = Config(toml_file=_ROOT / "pyproject.toml")
    config.set_main_option("script_location", str(_ROOT / "migrations"))
    return config
