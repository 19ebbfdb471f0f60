"""The command line and its commands. Exit code 1: it failed, 2: unusable settings or usage."""

import io
import sys
from typing import Annotated

import typer

from app import __version__
from app.cli import backups, databases, doctor, schemas, serve, tokens
from app.cli.client import orders, watch
from app.server.listening import MAX_MESSAGE_BYTES

__all__ = ["MAX_MESSAGE_BYTES", "app", "main"]

app = typer.Typer(
    help="A self-hosted GraphQL API for trading crypto on exchanges.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command()(serve.serve)
app.command()(databases.migrate)
app.command()(backups.backup)
app.command()(backups.restore)
app.command()(doctor.doctor)
app.command()(orders.orders)
app.command()(watch.watch)
app.add_typer(tokens.app, name="token")
app.add_typer(schemas.app, name="schema")


def main() -> None:
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    app(prog_name="orderdeck")


def _show_version(is_asked: bool) -> None:  # noqa: FBT001 typer calls it so
    if is_asked:
        typer.echo(f"orderdeck {__version__}")
        raise typer.Exit


@app.callback()
def options(
    *,
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_show_version, is_eager=True, help="Print the version and end."
        ),
    ] = False,
) -> None:
    """A self-hosted GraphQL API for trading crypto on exchanges."""
