"""The schema of the database, brought to where it is wanted."""

# Imported where it is used, so that --help and --version answer at once.
# ruff: noqa: PLC0415

import asyncio
from typing import Annotated

import typer

from app.cli.environment import read_settings
from app.cli.output import told_in_words


def migrate(
    to: Annotated[str, typer.Option(metavar="REVISION", help="The schema to go to.")] = "head",
) -> None:
    """Bring the database to the schema of this program, or to an older one."""
    with told_in_words():
        settings = read_settings()
        from app import runtime

        asyncio.run(runtime.migrate(settings, to))
        typer.echo(f"The database is at schema {to}.")
