"""The migrate command: brings the database to a revision of its schema."""

# Heavy modules are imported in functions, so that --help and --version answer at once.
# ruff: noqa: PLC0415

import asyncio
from contextlib import nullcontext
from typing import Annotated

import typer

from app.cli.environment import read_settings
from app.cli.output import printed_errors


def migrate(
    to: Annotated[str, typer.Option(metavar="REVISION", help="The schema to go to.")] = "head",
) -> None:
    """Bring the database to the schema of this program, or to an older one."""
    with printed_errors():
        settings = read_settings()
        from app import runtime
        from app.storage.upkeep.backups import file_of
        from app.storage.upkeep.server_locks import locked

        database = file_of(settings.database_url.get_secret_value())
        is_there = database is not None and database.parent.is_dir()
        with locked(database, "stop it first") if database and is_there else nullcontext():
            asyncio.run(runtime.migrate(settings, to))
        typer.echo(f"The database is at schema {to}.")
