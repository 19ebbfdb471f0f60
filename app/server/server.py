"""Configures and runs uvicorn: banner, graceful shutdown, certificates and start-up errors."""

import signal
import socket
from collections.abc import Callable, Sequence
from contextlib import suppress
from types import FrameType
from typing import TYPE_CHECKING, Any

import typer
import uvicorn

from app.server.banner import banner
from app.server.certificates import Certificates
from app.server.collector import freeze_startup_objects, give_back_free_memory
from app.server.listening import BACKLOG, MAX_MESSAGE_BYTES
from app.server.protocols import LimitedHttpProtocol, LimitedWebSocket
from app.settings import Settings

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

# At shutdown, requests have this long to finish before they are canceled.
GRACE_SECONDS = 5
_UPKEEP_TICKS = 100


class Server(uvicorn.Server):
    """A uvicorn server that prints the banner once it accepts connections."""

    def __init__(
        self, config: uvicorn.Config, banner: Callable[[], str], certificates: Certificates | None
    ) -> None:
        super().__init__(config)
        self._banner = banner
        self._certificates = certificates
        self._connections = 0

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started and not self.should_exit:
            freeze_startup_objects()
            typer.echo(self._banner())

    async def on_tick(self, counter: int) -> bool:
        """Look after the process every ten seconds: uvicorn calls this ten times a second."""
        if counter % _UPKEEP_TICKS == 0:
            if self._certificates is not None:
                self._certificates.renew()
            self._give_back_memory_of_the_gone()
        return await super().on_tick(counter)

    def _give_back_memory_of_the_gone(self) -> None:
        """A thousand subscribers that have left leave 10 MB of free memory behind."""
        before, self._connections = self._connections, len(self.server_state.connections)
        if self._connections < before:
            give_back_free_memory()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """A second signal kills at once instead of waiting: what is committed stays committed."""
        if self.should_exit:
            signal.signal(sig, signal.SIG_DFL)
            signal.raise_signal(sig)
        super().handle_exit(sig, frame)


class Lifespan:
    """Keeps the exception of a failed start, to be printed instead of logged with a traceback."""

    def __init__(self, api: "ASGIApp") -> None:
        self._api = api
        self.failure: Exception | None = None

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
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


def uvicorn_config(
    api: "ASGIApp", *, proxies: Sequence[str] = (), **options: Any
) -> uvicorn.Config:
    """The uvicorn configuration that the command line and the tests share."""
    return uvicorn.Config(
        api,
        http=LimitedHttpProtocol,
        ws=LimitedWebSocket,
        ws_max_size=MAX_MESSAGE_BYTES,
        ws_per_message_deflate=False,
        # A pong waits behind data that is still unread: a late one does not mean a dead client.
        ws_ping_timeout=None,
        backlog=BACKLOG,
        lifespan="on",
        log_config=None,
        # Malformed requests must not fill the log with uvicorn's warnings.
        log_level="error",
        access_log=False,
        server_header=False,
        proxy_headers=bool(proxies),
        forwarded_allow_ips=list(proxies),
        **options,
    )


def _certificates(settings: Settings) -> Certificates | None:
    if settings.tls_cert is None or settings.tls_key is None:
        return None
    return Certificates(settings.tls_cert, settings.tls_key)


def run_server(api: "ASGIApp", listener: socket.socket, settings: Settings) -> None:
    """Serve on an open listener. Raises the error that keeps the application from starting."""
    lifespan = Lifespan(api)
    certificates = _certificates(settings)
    config = uvicorn_config(
        lifespan,
        proxies=settings.trusted_proxies if settings.behind_proxy else (),
        loop="uvloop",
        ssl_context_factory=None if certificates is None else lambda *_: certificates.context,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
    try:
        with suppress(KeyboardInterrupt):
            Server(config, lambda: banner(settings, listener), certificates).run([listener])
    except SystemExit:
        if lifespan.failure is None:
            raise
        raise lifespan.failure from None
