"""Opens the socket that the server listens on, and builds the URL that clients reach it at."""

import errno
import resource
import socket
from contextlib import suppress

from app.errors import OrderdeckError

MAX_MESSAGE_BYTES = 256 * 1024
BACKLOG = 2048
# The kernel buffers this much for each client that does not read; it doubles the number.
SEND_BUFFER_BYTES = 256 * 1024
_EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 shown, not bound to


class CannotListen(OrderdeckError):
    """The port cannot be opened: choose another address, or end what holds it."""


def listen(host: str, port: int) -> socket.socket:
    """Open the port. Raises CannotListen, so call it before anything else starts."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, _, _, _, address = found[0]
        listener = socket.create_server(address[:2], family=family, backlog=BACKLOG)
    except OSError as error:
        raise CannotListen(_why_not(error, host, port)) from error
    limit_send_buffer(listener)
    return listener


def limit_send_buffer(listener: socket.socket) -> None:
    """Limit what the kernel buffers for each client that does not read."""
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)


def base_url(host: str, port: int, *, is_tls: bool = False) -> str:
    """The URL by which a client on this machine reaches a server that listens there."""
    shown = _EVERYWHERE.get(host, host)
    scheme = "https" if is_tls else "http"
    return f"{scheme}://[{shown}]:{port}" if ":" in shown else f"{scheme}://{shown}:{port}"


def raise_file_limit() -> None:
    """Raise the soft limit of open files to the hard one: every socket is an open file."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _why_not(error: OSError, host: str, port: int) -> str:
    where = f"cannot listen on {host}, port {port}"
    if error.errno == errno.EADDRINUSE:
        return f"{where}: another program does. End it, or choose another with --port."
    if isinstance(error, socket.gaierror):
        return f"{where}: this host name is not known."
    return f"{where}: {error.strerror or error}."
