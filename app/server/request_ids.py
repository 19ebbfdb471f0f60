"""Middleware that gives each request an id, for its response and log lines, and counts outcomes."""

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
# The reason with which the server reports a socket that it dropped because nothing was read.
DROPPED = "dropped"
_SANE = re.compile(rb"[A-Za-z0-9._-]{1,64}")
# The metric's label: clients may close with any code, the rest are counted as other.
_CODES = frozenset(
    {1000, 1001, 1005, 1006, 1011, 1012, 1013, 4400, 4401, 4403, 4406, 4408, 4409, 4429}
)

# Called for each request: the standard library's logger costs nothing while DEBUG is off.
_logger = logging.getLogger(__name__)


class RequestIds:
    """Wraps the whole application: sets X-Request-ID and counts responses and sockets."""

    def __init__(self, app: ASGIApp, metrics: Callable[[], Metrics]) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        request_id = _id_of(scope)
        # Each request runs in a task of its own, whose context variables end with it.
        structlog.contextvars.bind_contextvars(request_id=request_id)
        if scope["type"] == "http":
            await self._app(scope, receive, self._with_id(request_id, scope, send))
        else:
            await self._follow_socket(scope, receive, send)

    def _with_id(self, request_id: str, scope: Scope, send: Send) -> Send:
        began = perf_counter()

        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), (HEADER, request_id.encode())]
                self._count(scope, message["status"], perf_counter() - began)
            await send(message)

        return send_with_id

    async def _follow_socket(self, scope: Scope, receive: Receive, send: Send) -> None:
        outcome = _SocketOutcome(self._metrics())

        async def receive_followed() -> Message:
            message = await receive()
            outcome.note(message)
            return message

        async def send_followed(message: Message) -> None:
            outcome.note(message)
            await send(message)

        try:
            await self._app(scope, receive_followed, send_followed)
        finally:
            outcome.count()

    def _count(self, scope: Scope, status: int, seconds: float) -> None:
        self._metrics().told(status)
        if _logger.isEnabledFor(logging.DEBUG):
            extra = {"method": scope["method"], "path": scope["path"], "status": status}
            milliseconds = round(seconds * 1000, 1)
            _logger.debug("request.answered", extra={**extra, "milliseconds": milliseconds})


class _SocketOutcome:
    """Whether a socket was accepted, and the close code of the side that closed it first."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._is_open = False
        self._code: int | None = None
        self._is_dropped = False

    def note(self, message: Message) -> None:
        match message["type"]:
            case "websocket.accept":
                self._is_open = True
                self._metrics.opened()
            case "websocket.close" | "websocket.disconnect" if self._code is None:
                self._code = message.get("code", 1000)
                # No client can send 1006 itself, so the reason is the server's.
                self._is_dropped = self._code == 1006 and message.get("reason") == DROPPED

    def count(self) -> None:
        if self._is_open:
            self._metrics.closed(self._label)

    @property
    def _label(self) -> str:
        if self._is_dropped:
            return DROPPED
        return str(self._code) if self._code in _CODES else OTHER


def _id_of(scope: Scope) -> str:
    """The id that the client sent, if it is safe to log, or else a new one."""
    given = next((value for name, value in scope["headers"] if name == HEADER), b"")
    return given.decode() if _SANE.fullmatch(given) else str(ULID())
