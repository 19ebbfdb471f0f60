"""The server itself, as uvicorn runs it."""

import gc
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
from app.server.listening import BACKLOG, MAX_MESSAGE_BYTES
from app.server.protocols import LimitedHttpProtocol, LimitedWebSocket
from app.settings import Settings

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

# What is under way when it is told to end is finished within so long, or broken off.
GRACE_SECONDS = 5
COLLECTOR_THRESHOLDS = (20_000, 20, 100)
_RENEWAL_TICKS = 100


class Server(uvicorn.Server):
    """Prints the banner when it is ready, and not before."""

    def __init__(
        self, config: uvicorn.Config, banner: Callable[[], str], certificates: Certificates | None
    ) -> None:
        super().__init__(config)
        self._banner = banner
        self._certificates = certificates

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started and not self.should_exit:
            _spare_the_collector()
            typer.echo(self._banner())

    async def on_tick(self, counter: int) -> bool:
        """Each tenth of a second."""
        if self._certificates is not None and counter % _RENEWAL_TICKS == 0:
            self._certificates.renew()
        return await super().on_tick(counter)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Whoever asks a second time does not want to wait: what is committed stays so."""
        if self.should_exit:
            signal.signal(sig, signal.SIG_DFL)
            signal.raise_signal(sig)
        super().handle_exit(sig, frame)


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


def configured(api: "ASGIApp", *, proxies: Sequence[str] = (), **options: Any) -> uvicorn.Config:
    """How uvicorn serves us, wherever it runs."""
    return uvicorn.Config(
        api,
        http=LimitedHttpProtocol,
        ws=LimitedWebSocket,
        ws_max_size=MAX_MESSAGE_BYTES,
        ws_per_message_deflate=False,
        # A pong queues behind what a slow reader has not read yet: its lateness proves nothing.
        ws_ping_timeout=None,
        backlog=BACKLOG,
        lifespan="on",
        log_config=None,
        # A stranger who talks nonsense must not fill the log with warnings of it.
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
    """Serve on a socket that listens already; raise what keeps the application from starting."""
    lifespan = Lifespan(api)
    certificates = _certificates(settings)
    config = configured(
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
