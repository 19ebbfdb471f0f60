"""Serving: takes the port first, then starts the rest, and says where it is found."""

# Imported where it is used, so that --help and --version answer at once.
# ruff: noqa: PLC0415

import errno
import ipaddress
import resource
import socket
import tempfile
from contextlib import closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from app import __version__
from app.cli.environment import read_settings
from app.cli.output import fail, told_in_words
from app.domain.access.tokens import ADMIN_FILE
from app.domain.accounts import AccountMode

if TYPE_CHECKING:
    from app.settings import Settings

MAX_MESSAGE_BYTES = 256 * 1024
BACKLOG = 2048
# What the system keeps for each client that does not read; it doubles the number.
SEND_BUFFER_BYTES = 256 * 1024
_EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 shown, not bound to


def serve(
    *,
    host: Annotated[str | None, typer.Option(help="The address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(min=0, max=65_535, help="0: any free one.")] = None,
    no_migrate: Annotated[
        bool, typer.Option("--no-migrate", help="Leave the schema alone.")
    ] = False,
) -> None:
    """Serve the API until it is told to end."""
    with told_in_words():
        settings = read_settings(ORDERDECK_HOST=host, ORDERDECK_PORT=port)
        from app.server.logs import configure_logs

        configure_logs(settings)
        with closing(listen(settings.host, settings.port)) as listener:
            _check_private(settings, listener)
            _check_writable(settings.data_dir)
            _raise_file_limit()
            from app.asgi import create_app
            from app.server.server import run_server

            api = create_app(settings, migrate=not no_migrate)
            run_server(api, listener, settings)


def listen(host: str, port: int) -> socket.socket:
    """Take the port before anything else is started."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, _, _, _, address = found[0]
        listener = socket.create_server(address[:2], family=family, backlog=BACKLOG)
    except OSError as error:
        fail(_why_not(error, host, port))
    bound_readers(listener)
    return listener


def bound_readers(listener: socket.socket) -> None:
    """Have the system keep little for each client that does not read."""
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)


def banner(settings: "Settings", listener: socket.socket) -> str:
    """What it says when it is ready: where it is found, and how to come in."""
    url = base_url(*listener.getsockname()[:2], is_tls=settings.tls_cert is not None)
    return "\n".join(
        (
            f"orderdeck {__version__}: {_what_moves(settings)}",
            f"  open   {url}/graphiql",
            f"  API    {url}/graphql",
            f"  token  {_place_of_token(settings)}",
            f"  data   {settings.data_dir}",
        )
    )


def _what_moves(settings: "Settings") -> str:
    """First whether real money moves, so that nobody can overlook it."""
    modes = {
        mode: [name for name, account in settings.accounts.items() if account.mode is mode]
        for mode in (AccountMode.LIVE, AccountMode.SANDBOX, AccountMode.PAPER)
    }
    named = [f"{mode} {', '.join(names)}" for mode, names in modes.items() if names]
    if modes[AccountMode.LIVE]:
        return f"{'; '.join(named)}. LIVE TRADES REAL MONEY"
    if modes[AccountMode.SANDBOX]:
        return f"{'; '.join(named)}. No real money moves"
    return f"{AccountMode.PAPER}, fills are simulated and no money moves"


def base_url(host: str, port: int, *, is_tls: bool = False) -> str:
    """How a client on this machine reaches what listens there."""
    shown = _EVERYWHERE.get(host, host)
    scheme = "https" if is_tls else "http"
    return f"{scheme}://[{shown}]:{port}" if ":" in shown else f"{scheme}://{shown}:{port}"


def _check_private(settings: "Settings", listener: socket.socket) -> None:
    """Whoever reads a token on its way has it."""
    address = listener.getsockname()[0]
    if not settings.is_private and not ipaddress.ip_address(address).is_loopback:
        fail(
            f"cannot listen on {settings.host} without TLS: tokens would be read on their way."
            " Set tls_cert and tls_key, or behind_proxy where a proxy does TLS."
        )


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
        fail(f"the data folder {folder} cannot be written: {error.strerror or error}.")


def _raise_file_limit() -> None:
    """Every socket is an open file: take as many as the system gives."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _place_of_token(settings: "Settings") -> str:
    if settings.admin_token is not None:
        return "the ADMIN token that the settings give"
    path = settings.data_dir / ADMIN_FILE
    if path.exists():
        return f"{path} (ADMIN)"
    return "was made before, its file is gone: `orderdeck token create` makes another"
