"""The token commands: create, list and revoke in the database, whether a server runs or not."""

# Heavy modules are imported in functions, so that --help and --version answer at once.
# ruff: noqa: PLC0415

import asyncio
import re
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from app.cli.environment import read_settings
from app.cli.output import printed_errors, show_time
from app.domain.access.audit import refused
from app.domain.access.tokens import Scope, Token
from app.errors import Denied

if TYPE_CHECKING:
    from app.services.access.audit import AuditService
    from app.services.access.auth import AuthService

_T = TypeVar("_T")
_DURATION = re.compile(r"([1-9][0-9]{0,4})([smhdw])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_HEADINGS = ("ID", "NAME", "SCOPES", "ACCOUNTS", "CREATED", "EXPIRES", "LAST USED", "STATE")

app = typer.Typer(help="Who may come in, and how far.", no_args_is_help=True)


def _parse_duration(text: str) -> timedelta:
    found = _DURATION.fullmatch(text)
    if found is None:
        raise typer.BadParameter("a number with s, m, h, d or w behind, such as 30d")
    return timedelta(**{_UNITS[found[2]]: int(found[1])})


@app.command("create")
def create_token(
    name: Annotated[str, typer.Argument(help="What it is for.")],
    scope: Annotated[
        list[Scope], typer.Option(case_sensitive=False, help="Each includes those before it.")
    ],
    account: Annotated[list[str] | None, typer.Option(help="Left out: all of them.")] = None,
    expires_in: Annotated[
        timedelta | None,
        typer.Option(parser=_parse_duration, metavar="30d", help="s, m, h, d or w."),
    ] = None,
) -> None:
    """Make a token and print its secret, this once."""

    async def create(auth: "AuthService", audit: "AuditService") -> tuple[Token, str]:
        create = partial(
            auth.create,
            name=name,
            scopes=scope,
            account_names=account or None,
            expires_at=None if expires_in is None else auth.now() + expires_in,
        )
        return await _audited(audit, "createToken", create)

    token, secret = _with_auth(create)
    typer.echo(
        f"Token {token.id} was made. This is its secret, which is not shown again:", err=True
    )
    typer.echo(secret)


@app.command("list")
def list_tokens() -> None:
    """Print every token, the newest first."""

    async def rows(auth: "AuthService", _: "AuditService") -> list[tuple[str, ...]]:
        return [_row(token, auth.now()) for token in await auth.list()]

    table = [_HEADINGS, *_with_auth(rows)]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    for row in table:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        typer.echo("  ".join(cells).rstrip())


@app.command("revoke")
def revoke_token(token_id: Annotated[str, typer.Argument(metavar="ID")]) -> None:
    """Revoke a token; clients that are connected with it are cut off within a second."""

    async def revoke(auth: "AuthService", audit: "AuditService") -> Token:
        return await _audited(audit, "revokeToken", partial(auth.revoke, token_id))

    typer.echo(f"Token {_with_auth(revoke).id} is revoked.")


async def _audited(audit: "AuditService", action: str, act: Callable[[], Awaitable[_T]]) -> _T:
    """Act with an audit entry, which a denial gets as well."""
    from app.services.access.audit import acting

    attempt = audit.command(action)
    try:
        with acting(attempt):
            return await act()
    except Denied as denied:
        await audit.ended(attempt, refused(denied.refusal))
        raise


def _with_auth(act: Callable[["AuthService", "AuditService"], Awaitable[_T]]) -> _T:
    with printed_errors():
        settings = read_settings()
        from app.runtime import open_auth

        async def open_and_act() -> _T:
            async with open_auth(settings) as (auth, audit):
                return await act(auth, audit)

        return asyncio.run(open_and_act())


def _row(token: Token, now: datetime) -> tuple[str, ...]:
    return (
        token.id,
        token.name,
        ",".join(token.scopes),
        "all" if token.account_names is None else ",".join(token.account_names),
        *(show_time(at) for at in (token.created_at, token.expires_at, token.last_used_at)),
        "revoked" if token.revoked_at else "expired" if token.is_expired(now) else "valid",
    )
