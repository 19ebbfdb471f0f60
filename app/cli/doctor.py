"""The doctor command: checks everything that a server needs, changes nothing, and gives advice."""

# Heavy modules are imported in functions, so that --help and --version answer at once.
# ruff: noqa: PLC0415

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from app.cli import machine, running
from app.cli.environment import read_settings
from app.cli.output import FAILED, UNUSABLE, as_json, as_line, is_terminal
from app.domain.findings import Finding, Severity, fault, ok, warning, worst
from app.errors import SettingsError, StorageError
from app.server.visible_text import visible

if TYPE_CHECKING:
    from app.services.operation.health import HealthService
    from app.settings import Settings

_COLORS = {Severity.OK: "green", Severity.WARNING: "yellow", Severity.FAULT: "bold red"}


def doctor(
    *,
    account: Annotated[
        str | None, typer.Option(metavar="NAME", help="Look at this account alone.")
    ] = None,
    is_json: Annotated[bool, typer.Option("--json", help="For scripts.")] = False,
) -> None:
    """Look at all that a server needs, and change nothing. 1: a fault, 2: unusable settings."""
    try:
        settings = read_settings()
    except SettingsError as error:
        advice = "mend it: nothing else can be looked at before"
        _print([fault("settings", each, advice) for each in error.problems], is_json=is_json)
        raise typer.Exit(UNUSABLE) from None
    if account is not None and account not in settings.accounts:
        names = ", ".join(sorted(settings.accounts))
        raise typer.BadParameter(f"there is no account {account}; there is {names}")
    accounts = tuple(settings.accounts) if account is None else (account,)
    findings = asyncio.run(_examine(settings, accounts))
    _print(findings, is_json=is_json)
    if worst(findings) is Severity.FAULT:
        raise typer.Exit(FAILED)


async def _examine(settings: "Settings", accounts: Sequence[str]) -> list[Finding]:
    from app.runtime import open_health

    async with open_health(settings) as health:
        return [
            ok("settings", "every value can be used"),
            machine.check_libraries(),
            machine.check_folder(settings.data_dir),
            machine.check_room(settings.data_dir),
            machine.check_file_limit(),
            *await health.check_database(),
            *machine.check_key_files(settings, accounts),
            *[finding for name in accounts for finding in await health.check_account(name)],
            await _check_admin(settings, health),
            machine.check_privacy(settings, health.now()),
            await machine.check_port(settings),
            *await running.check_readiness(settings),
        ]


async def _check_admin(settings: "Settings", health: "HealthService") -> Finding:
    if settings.admin_token is not None:
        return ok("admin token", "the settings give it")
    found = machine.check_admin_file(settings.data_dir)
    if found is not None:
        return found
    try:
        has_admin = await health.has_admin()
    except (StorageError, TimeoutError):
        has_admin = False
    if has_admin:
        return ok("admin token", "its file is gone, but another ADMIN token stands")
    if not machine.is_there(settings.data_dir):
        return ok("admin token", "it is made at the first start")
    words = "there is none, so nobody can come in as ADMIN before the next start makes one"
    return warning("admin token", words, "start the server, or run `orderdeck token create`")


def _print(findings: Sequence[Finding], *, is_json: bool) -> None:
    if is_json:
        typer.echo(as_json(_document(findings)))
    elif is_terminal():
        _print_table(findings)
    else:
        for finding in findings:
            cells = (finding.level, finding.name, finding.words, finding.advice or "")
            typer.echo(as_line(cells).rstrip("\t"))


def _document(findings: Sequence[Finding]) -> dict[str, object]:
    return {
        "level": worst(findings),
        "findings": [
            {
                "name": finding.name,
                "level": finding.level,
                "words": finding.words,
                "advice": finding.advice,
            }
            for finding in findings
        ],
    }


def _print_table(findings: Sequence[Finding]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table.grid(padding=(0, 2))
    for finding in findings:
        words = Text(visible(finding.words))
        if finding.advice:
            words.append(f"\n→ {visible(finding.advice)}", style="bold")
        level = Text(finding.level, style=_COLORS[finding.level])
        table.add_row(level, Text(finding.name), words)
    Console(highlight=False).print(table)
