"""Names each request, in its answer and in whatever is logged of it, and counts how it ended."""

import logging
import re
from collections.abc import Callable
from time import perf_counter

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from ulid import ULID

from app.services.metrics import Metrics

HEADER = b"x-request-id"
OTHER = "other"
# How the server beneath says that it has ended a socket that took nothing.
DROPPED = "dropped"
_SANE = re.compile(rb"[A-Za-z0-9._-]{1,64}")
# Clients close with whatever number they like.
_CODES = frozenset(
    {1000, 1001, 1005, 1006, 1011, 1012, 1013, 4400, 4401, 4403, 4406, 4408, 4409, 4429}
)

# Asked at each request: this one costs nothing while it is silent.
_logger = logging.getLogger(__name__)


class RequestIds:
    """Around the whole application."""

    def __init__(self, app: ASGIApp, metrics: Callable[[], Metrics]) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        name = _id_of(scope)
        # Each request is a task of its own: what is bound here is forgotten with it.
        structlog.contextvars.bind_contextvars(request_id=name)
        if scope["type"] == "http":
            await self._app(scope, receive, self._named(name, scope, send))
        else:
            await self._follow_socket(scope, receive, send)

    def _named(self, name: str, scope: Scope, send: Send) -> Send:
        began = perf_counter()

        async def send_named(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), (HEADER, name.encode())]
                self._told(scope, message["status"], perf_counter() - began)
            await send(message)

        return send_named

    async def _follow_socket(self, scope: Scope, receive: Receive, send: Send) -> None:
        socket = _Socket(self._metrics())

        async def receive_followed() -> Message:
            message = await receive()
            socket.hear(message)
            return message

        async def send_followed(message: Message) -> None:
            socket.hear(message)
            await send(message)

        try:
            await self._app(scope, receive_followed, send_followed)
        finally:
            socket.end()

    def _told(self, scope: Scope, status: int, seconds: float) -> None:
        self._metrics().told(status)
        if _logger.isEnabledFor(logging.DEBUG):
            told = {"method": scope["method"], "path": scope["path"], "status": status}
            milliseconds = round(seconds * 1000, 1)
            _logger.debug("request.answered", extra={**told, "milliseconds": milliseconds})


class _Socket:
    """Whether it was open, and how it ended: by the first who said so."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._is_open = False
        self._code: int | None = None
        self._is_dropped = False

    def hear(self, message: Message) -> None:
        match message["type"]:
            case "websocket.accept":
                self._is_open = True
                self._metrics.opened()
            case "websocket.close" | "websocket.disconnect" if self._code is None:
                self._code = message.get("code", 1000)
                # No client can send this code.
                self._is_dropped = self._code == 1006 and message.get("reason") == DROPPED

    def end(self) -> None:
        if self._is_open:
            self._metrics.closed(self._how)

    @property
    def _how(self) -> str:
        if self._is_dropped:
            return DROPPED
        return str(self._code) if self._code in _CODES else OTHER


def _id_of(scope: Scope) -> str:
    """The client's own name for it, where that may stand in a log."""
    given = next((value for name, value in scope["headers"] if name == HEADER), b"")
    return given.decode() if _SANE.fullmatch(given) else str(ULID())
