"""The migrate command: brings the database to a revision of its schema."""

# Heavy modules are imported in functions, so that --help and --version answer at once.
# ruff: noqa: PLC0415

import asyncio
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

        asyncio.run(runtime.migrate(settings, to))
        typer.echo(f"The database is at schema {to}.")
