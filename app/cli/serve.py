"""The serve command: opens the port first, then builds the application and serves it."""

# Heavy modules are imported in functions, so that --help and --version answer at once.
# ruff: noqa: PLC0415

import ipaddress
import socket
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from app.cli.environment import read_settings
from app.cli.output import fail, printed_errors
from app.server.collector import collect_rarely
from app.server.listening import listen, raise_file_limit

if TYPE_CHECKING:
    from app.settings import Settings

_STOP_IT = "stop it first, or give this server a data_dir of its own"


def serve(
    *,
    host: Annotated[str | None, typer.Option(help="The address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(min=0, max=65_535, help="0: any free one.")] = None,
    no_migrate: Annotated[
        bool, typer.Option("--no-migrate", help="Leave the schema alone.")
    ] = False,
) -> None:
    """Serve the API until it is stopped."""
    with printed_errors():
        settings = read_settings(ORDERDECK_HOST=host, ORDERDECK_PORT=port)
        from app.server.logs import configure_logs

        configure_logs(settings)
        with closing(listen(settings.host, settings.port)) as listener:
            _check_private(settings, listener)
            _check_writable(settings.data_dir)
            raise_file_limit()
            collect_rarely()
            with _alone(settings):
                from app.asgi import create_app
                from app.server.server import run_server

                api = create_app(settings, migrate=not no_migrate)
                run_server(api, listener, settings)


@contextmanager
def _alone(settings: "Settings") -> Iterator[None]:
    """Hold a SQLite database for as long as this server runs; PostgreSQL is for several."""
    from app.storage.upkeep.backups import file_of
    from app.storage.upkeep.server_locks import locked

    database = file_of(settings.database_url.get_secret_value())
    if database is None:
        yield
        return
    database.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with locked(database, _STOP_IT):
        yield


def _check_private(settings: "Settings", listener: socket.socket) -> None:
    """Refuse to listen on a network without TLS: tokens could be read on their way."""
    address = listener.getsockname()[0]
    if not settings.is_private and not ipaddress.ip_address(address).is_loopback:
        fail(
            f"cannot listen on {settings.host} without TLS: tokens would be read on their way."
            " Set tls_cert and tls_key, or behind_proxy where a proxy does TLS."
        )


def _check_writable(folder: Path) -> None:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        fail(f"the data folder {folder} cannot be written: {error.strerror or error}.")
