"""The backup and restore commands: copy a database that may be in use, and put a copy back."""

# Heavy modules are imported in functions, so that --help and --version answer at once.
# ruff: noqa: PLC0415

import asyncio
import shlex
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from app.cli import machine
from app.cli.environment import read_settings
from app.cli.output import fail, printed_errors

if TYPE_CHECKING:
    from app.settings import Settings
    from app.storage.upkeep.backups import BackupContents

_File = Annotated[Path, typer.Argument(metavar="FILE")]
_PASSWORD = "It asks for the password, or takes it from ~/.pgpass."  # noqa: S105  none
_NEW_LOG = "UPDATE log SET identity = substr(md5(random()::text), 1, 16)"
# A halt from before the backup closes nothing any more.
_END_HALTS = "DELETE FROM rules WHERE kind = 'TO_CLEAR'"
_HALT = """\
UPDATE rules SET value = json_build_object('state', 'HALTED', 'reason', '{reason}',\
 'since', to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'))::text\
 WHERE kind = 'STANDING' AND account = '' AND value::json->>'state' <> 'HALTED'"""
_THEN = "look at the orders and the positions, then resumeTrading"
HALTED = f"Trading is HALTED, for all accounts: {_THEN}."
UNHALTED = "Trading is as it was then: a bot that was running trades again at the next start."
AFTERWARDS = """\
This database is older than the exchange, and knows nothing of what happened since it was copied:
- Orders placed since then are found when the accounts are compared, as placed from outside.
- Their client order ids are free again: a program that repeats one places a second order.
- Limits, the trading window, the dead-man switch and the bot are as they were: look at them.
- Tokens made since then are gone, and those revoked since then are valid: revoke them again.
- Every cursor of before is CURSOR_INVALID: clients read their lists anew.
The file admin-token is left alone, and what stands in it opens the door at the next start."""


def backup(
    file: _File,
    *,
    force: Annotated[bool, typer.Option("--force", help="Replace FILE if it exists.")] = False,
) -> None:
    """Copy the database to FILE, whether a server writes to it or not."""
    with printed_errors():
        database = _database(read_settings(), partial(_how_to_dump, file=file))
        from app.storage.upkeep.backups import back_up

        contents = back_up(database, file, may_replace=force)
        typer.echo(f"{file} holds {_described(contents)}.")


def restore(
    file: _File,
    *,
    force: Annotated[
        bool, typer.Option("--force", help="Where there is a database, keep it aside.")
    ] = False,
    no_halt: Annotated[
        bool, typer.Option("--no-halt", help="Let orders in at once, as when it was copied.")
    ] = False,
) -> None:
    """Restore the database from the backup FILE, while no server runs, and halt trading."""
    with printed_errors():
        settings = read_settings()
        how_to_load = partial(_how_to_load, file=file, is_to_halt=not no_halt)
        database = _database(settings, how_to_load)
        from app.storage.upkeep import restores
        from app.storage.upkeep.server_locks import locked

        database.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with locked(database, "stop the server first"):
            restores.check_free(file, database, may_replace=force)
            reason = None if no_halt else _reason(file)
            prepare = partial(_prepare, reason=reason)
            restored = restores.restore(file, database, datetime.now(UTC), prepare)
        typer.echo(f"{database} holds {_described(restored.contents)}.")
        if restored.kept is not None:
            typer.echo(f"What stood there is kept as {restored.kept}.")
        typer.echo(f"\n{UNHALTED if no_halt else HALTED}\n\n{AFTERWARDS}")


def _reason(file: Path) -> str:
    written = datetime.fromtimestamp(file.stat().st_mtime, UTC)
    return f"restored from a backup written {written:%Y-%m-%d %H:%M} UTC; {_THEN}"


def _prepare(copy: Path, *, reason: str | None) -> None:
    """Record the restore in the audit log of the copy, and halt trading if a reason is given."""
    from app.runtime import open_restored

    async def prepare() -> None:
        async with open_restored(copy) as restored:
            await (restored.record() if reason is None else restored.halt(reason))

    asyncio.run(prepare())


def _database(settings: "Settings", otherwise: Callable[[str], str]) -> Path:
    """The path of a SQLite database; for PostgreSQL, print how its own programs do it, and end."""
    from app.storage.upkeep.backups import file_of, postgres_options

    url = settings.database_url.get_secret_value()
    path = file_of(url)
    if path is None:
        fail(otherwise(postgres_options(url)))
    return path


def _how_to_dump(options: str, *, file: Path) -> str:
    command = f"pg_dump {options} --format=custom --file={shlex.quote(str(file))}"
    return f"PostgreSQL copies its databases itself, also in use:\n\n  {command}\n\n{_PASSWORD}"


def _how_to_load(options: str, *, file: Path, is_to_halt: bool) -> str:
    load = f"pg_restore {options} --clean --if-exists {shlex.quote(str(file))}"
    halting = [_HALT.format(reason=f"restored; {_THEN}")] if is_to_halt else []
    statements = [_NEW_LOG, _END_HALTS, *halting]
    changes = [f"psql {options} --command={shlex.quote(statement)}" for statement in statements]
    words = "PostgreSQL puts its copies back itself. Stop every server first:"
    typed = "\n".join(f"  {line}" for line in (load, *changes))
    state = HALTED if is_to_halt else UNHALTED
    return f"{words}\n\n{typed}\n\n{_PASSWORD}\n\n{state}\n\n{AFTERWARDS}"


def _described(contents: "BackupContents") -> str:
    size = contents.size_bytes / machine.MEBIBYTE
    return (
        f"{contents.orders} orders and {contents.events} events"
        f" at schema {contents.revision}, {size:.1f} MiB"
    )
