"""The command line: parses, prints, and says how it went. 1: it failed, 2: settings or usage."""

# Imported where it is used, so that --help and --version answer at once.
# ruff: noqa: PLC0415

import asyncio
import errno
import gc
import os
import re
import resource
import socket
import sys
import tempfile
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing, contextmanager, suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn, TypeVar

import structlog
import typer
import uvicorn

from app import __version__
from app.domain.tokens import ADMIN_FILE, Scope, Token
from app.errors import Denied, OrderdeckError, SettingsError

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Send
    from starlette.types import Scope as AsgiScope

    from app.services.auth import AuthService
    from app.settings import Settings

_T = TypeVar("_T")
MAX_MESSAGE_BYTES = 256 * 1024
BACKLOG = 2048
COLLECTOR_THRESHOLDS = (20_000, 20, 100)

_DURATION = re.compile(r"([1-9][0-9]{0,4})([smhdw])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 shown, not bound to

app = typer.Typer(
    help="A self-hosted GraphQL API for trading crypto on exchanges.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
token_app = typer.Typer(help="Who may come in, and how far.", no_args_is_help=True)
schema_app = typer.Typer(help="The GraphQL schema.", no_args_is_help=True)
app.add_typer(token_app, name="token")
app.add_typer(schema_app, name="schema")


def main() -> None:
    app(prog_name="orderdeck")


def _show_version(is_asked: bool) -> None:  # noqa: FBT001 typer calls it so
    if is_asked:
        typer.echo(f"orderdeck {__version__}")
        raise typer.Exit


def _parse_duration(text: str) -> timedelta:
    found = _DURATION.fullmatch(text)
    if found is None:
        raise typer.BadParameter("a number with s, m, h, d or w behind, such as 30d")
    return timedelta(**{_UNITS[found[2]]: int(found[1])})


@app.callback()
def options(
    *,
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Tell and end.")
    ] = False,
) -> None:
    """A self-hosted GraphQL API for trading crypto on exchanges."""


@app.command()
def serve(
    *,
    host: Annotated[str | None, typer.Option(help="The address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(min=0, max=65_535, help="0: any free one.")] = None,
    no_migrate: Annotated[
        bool, typer.Option("--no-migrate", help="Leave the schema alone.")
    ] = False,
) -> None:
    """Serve the API until it is told to end."""
    with _told_in_words():
        settings = _settings(ORDERDECK_HOST=host, ORDERDECK_PORT=port)
        _configure_logs()
        with closing(_listen(settings.host, settings.port)) as listener:
            _check_writable(settings.data_dir)
            _raise_file_limit()
            from app.asgi import create_app

            api = create_app(settings, migrate=not no_migrate)
            run_server(api, listener, banner=lambda: _banner(settings, listener))


@app.command()
def migrate(
    to: Annotated[str, typer.Option(metavar="REVISION", help="The schema to go to.")] = "head",
) -> None:
    """Bring the database to the schema of this program, or to an older one."""
    with _told_in_words():
        settings = _settings()
        from app import runtime

        asyncio.run(runtime.migrate(settings, to))
        typer.echo(f"The database is at schema {to}.")


@token_app.command("create")
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

    async def create(auth: "AuthService") -> tuple[Token, str]:
        expires_at = None if expires_in is None else auth.now() + expires_in
        return await auth.create(
            name=name, scopes=scope, account_names=account or None, expires_at=expires_at
        )

    token, secret = _with_auth(create)
    typer.echo(
        f"Token {token.id} was made. This is its secret, which is not shown again:", err=True
    )
    typer.echo(secret)


@token_app.command("list")
def list_tokens() -> None:
    """Print every token, the newest first."""

    async def rows(auth: "AuthService") -> list[tuple[str, ...]]:
        return [_row(token, auth.now()) for token in await auth.list()]

    table = [_HEADINGS, *_with_auth(rows)]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    for row in table:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        typer.echo("  ".join(cells).rstrip())


@token_app.command("revoke")
def revoke_token(token_id: Annotated[str, typer.Argument(metavar="ID")]) -> None:
    """Revoke a token; whoever is connected with it is cut off within a second."""

    async def revoke(auth: "AuthService") -> Token:
        return await auth.revoke(token_id)

    typer.echo(f"Token {_with_auth(revoke).id} is revoked.")


@schema_app.command("print")
def print_schema() -> None:
    """Print the schema in GraphQL's own language."""
    from schema.build import print_sdl

    typer.echo(print_sdl(), nl=False)


class Server(uvicorn.Server):
    """Prints the banner when it is ready, and not before."""

    def __init__(self, config: uvicorn.Config, *, banner: Callable[[], str]) -> None:
        super().__init__(config)
        self._banner = banner

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started and not self.should_exit:
            _spare_the_collector()
            typer.echo(self._banner())


def _configure_logs() -> None:
    """One line an event; tracebacks without the values of variables, which may be secrets."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso"),
            structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback),
        ],
        logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),
    )


def _spare_the_collector() -> None:
    """What stands by now stays: the garbage collector need not look at it again and again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*COLLECTOR_THRESHOLDS)


class Lifespan:
    """An ASGI application whose failure to start is kept, to be told in words instead of logged."""

    def __init__(self, api: "ASGIApp") -> None:
        self._api = api
        self.failure: Exception | None = None

    async def __call__(self, scope: "AsgiScope", receive: "Receive", send: "Send") -> None:
        if scope["type"] != "lifespan":
            await self._api(scope, receive, send)
            return

        async def send_without_traceback(message: "Message") -> None:
            if message["type"] == "lifespan.startup.failed":
                message = {"type": message["type"]}
            await send(message)

        try:
            await self._api(scope, receive, send_without_traceback)
        except Exception as error:
            self.failure = error
            raise


def run_server(api: "ASGIApp", listener: socket.socket, *, banner: Callable[[], str]) -> None:
    """Serve on a socket that listens already; raise what keeps the application from starting."""
    lifespan = Lifespan(api)
    config = uvicorn.Config(
        lifespan,
        loop="uvloop",
        http="httptools",
        ws="websockets-sansio",
        ws_max_size=MAX_MESSAGE_BYTES,
        ws_per_message_deflate=False,
        # A pong queues behind what a slow reader has not read yet: its lateness proves nothing.
        ws_ping_timeout=None,
        backlog=BACKLOG,
        lifespan="on",
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=5,
    )
    try:
        with suppress(KeyboardInterrupt):
            Server(config, banner=banner).run([listener])
    except SystemExit:
        if lifespan.failure is None:
            raise
        raise lifespan.failure from None


@contextmanager
def _told_in_words() -> Iterator[None]:
    """Print what was expected to go wrong, without a traceback, and end with its exit code."""
    code = 0
    try:
        yield
    except* SettingsError as group:
        code = 2
        _print_problems(group)
    except* OrderdeckError as group:
        code = 1
        _print_problems(group)
    if code:
        raise typer.Exit(code)


def _print_problems(error: BaseException) -> None:
    match error:
        case BaseExceptionGroup():
            for each in error.exceptions:
                _print_problems(each)
        case Denied():
            typer.echo(error.refusal.message, err=True)
        case _:
            typer.echo(str(error), err=True)


def _settings(**options: object) -> "Settings":
    from app.settings import load_settings

    given = {name: str(value) for name, value in options.items() if value is not None}
    return load_settings({**os.environ, **given}, Path.cwd())


def _with_auth(act: Callable[["AuthService"], Awaitable[_T]]) -> _T:
    with _told_in_words():
        settings = _settings()
        from app.runtime import open_auth

        async def open_and_act() -> _T:
            async with open_auth(settings) as auth:
                return await act(auth)

        return asyncio.run(open_and_act())


def _listen(host: str, port: int) -> socket.socket:
    """Take the port before anything else is started."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, _, _, _, address = found[0]
        return socket.create_server(address[:2], family=family, backlog=BACKLOG)
    except OSError as error:
        _fail(_why_not(error, host, port))


def _why_not(error: OSError, host: str, port: int) -> str:
    where = f"cannot listen on {host}, port {port}"
    if error.errno == errno.EADDRINUSE:
        return f"{where}: another program does. End it, or choose another with --port."
    if isinstance(error, socket.gaierror):
        return f"{where}: this host name is not known."
    return f"{where}: {error.strerror or error}."


def _check_writable(folder: Path) -> None:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        _fail(f"the data folder {folder} cannot be written: {error.strerror or error}.")


def _fail(words: str) -> NoReturn:
    typer.echo(words, err=True)
    raise typer.Exit(1)


def _raise_file_limit() -> None:
    """Every socket is an open file: take as many as the system gives."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _banner(settings: "Settings", listener: socket.socket) -> str:
    address, port = listener.getsockname()[:2]
    shown = _EVERYWHERE.get(address, address)
    url = f"http://[{shown}]:{port}" if ":" in shown else f"http://{shown}:{port}"
    modes = ", ".join(sorted({account.mode for account in settings.accounts.values()}))
    return "\n".join(
        (
            f"orderdeck {__version__}: {modes}, fills are simulated and no money moves",
            f"  open   {url}/graphiql",
            f"  API    {url}/graphql",
            f"  token  {_place_of_token(settings)}",
            f"  data   {settings.data_dir}",
        )
    )


def _place_of_token(settings: "Settings") -> str:
    if settings.admin_token is not None:
        return "the ADMIN token that the settings give"
    path = settings.data_dir / ADMIN_FILE
    if path.exists():
        return f"{path} (ADMIN)"
    return "was made before, its file is gone: `orderdeck token create` makes another"


_HEADINGS = ("ID", "NAME", "SCOPES", "ACCOUNTS", "CREATED", "EXPIRES", "LAST USED", "STATE")


def _row(token: Token, now: datetime) -> tuple[str, ...]:
    return (
        token.id,
        token.name,
        ",".join(token.scopes),
        "all" if token.account_names is None else ",".join(token.account_names),
        *(_time(at) for at in (token.created_at, token.expires_at, token.last_used_at)),
        "revoked" if token.revoked_at else "expired" if token.is_expired(now) else "valid",
    )


def _time(at: datetime | None) -> str:
    return "never" if at is None else f"{at:%Y-%m-%d %H:%M:%SZ}"
