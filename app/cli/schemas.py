"""The schema command, which prints the GraphQL schema."""

# Heavy modules are imported in functions, so that --help and --version answer at once.
# ruff: noqa: PLC0415

import typer

app = typer.Typer(help="The GraphQL schema.", no_args_is_help=True)


@app.callback()
def options() -> None:
    """The GraphQL schema."""


@app.command("print")
def print_schema() -> None:
    """Print the schema in GraphQL's own language."""
    from schema.build import build_schema, print_sdl

    typer.echo(print_sdl(build_schema()), nl=False)
