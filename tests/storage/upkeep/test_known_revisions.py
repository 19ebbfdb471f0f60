from alembic.config import Config
from alembic.script import ScriptDirectory

from app.storage.upkeep.migrations import known_revisions
from tests.cli.programs import ROOT


def test_the_names_of_the_files_are_the_revisions_that_alembic_finds_in_them() -> None:
    config = Config(toml_file=ROOT / "pyproject.toml")
    config.set_main_option("script_location", str(ROOT / "migrations"))
    found = ScriptDirectory.from_config(config).walk_revisions()
    assert known_revisions() == tuple(each.revision for each in found)
