"""HTTP and WebSocket as uvicorn speaks them, with an end to whatever a client could draw out."""

import json
from asyncio import CancelledError, TimerHandle
from contextlib import suppress
from typing import TYPE_CHECKING, Any, cast

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.exceptions import InvalidState
from websockets.frames import CloseCode

from app.server.request_ids import DROPPED
from app.server.slow_readers import SlowReaderGuard
from app.server.socket_link import SocketLink

if TYPE_CHECKING:
    from websockets.frames import Frame
    from websockets.http11 import Request as Handshake

MAX_HEAD_BYTES = 32 * 1024
MAX_REQUEST_BYTES = 4 * 1024 * 1024
REQUEST_SECONDS = 20.0
MAX_FIRST_MESSAGE_BYTES = 4 * 1024
MAX_FRAGMENTS = 1024
MAX_UNREAD_BYTES = 256 * 1024
CLOSE_SECONDS = 2.0
RETRY_AFTER_SECONDS = "1"

_BAD_REQUEST = 400
_HEAD_TOO_LARGE = 431
_UNAVAILABLE = 503
_MESSAGE_TOO_BIG = 1009


class HeadTooLarge(Exception):
    """An address and headers that are together longer than any of ours could be."""


class LimitedHttpProtocol(HttpToolsProtocol):
    """One connection over HTTP; each request on it has so many bytes, and so long, to arrive."""

    _stalls: SlowReaderGuard
    _deadline: TimerHandle | None = None
    _begun = 0
    _is_under_way = False
    _is_in_head = False
    _head_bytes = 0
    # What came of the request under way; a piece that it shares with others does not count.
    _bytes = 0

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._stalls = SlowReaderGuard(transport, self.loop)
        self._set_deadline()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stalls.stop()
        self._lift_deadline()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._deadline is None:
            self._set_deadline()
        only = self._begun + (not self._is_under_way)
        super().data_received(data)
        if self._begun <= only:
            self._bytes += len(data)
        if self.transport.is_closing() or not self._is_under_way:
            return
        if self._is_in_head and self._bytes > MAX_HEAD_BYTES:
            self._refuse(_HEAD_TOO_LARGE)
        elif self._bytes > MAX_REQUEST_BYTES:
            self.transport.close()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._begun += 1
        self._is_under_way = self._is_in_head = True
        self._bytes = self._head_bytes = 0

    def on_url(self, url: bytes) -> None:
        super().on_url(url)
        self._count(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        super().on_header(name, value)
        self._count(name + value)

    def on_headers_complete(self) -> None:
        self._is_in_head = False
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self._is_under_way = False
        self._lift_deadline()
        super().on_message_complete()

    def handle_websocket_upgrade(self) -> None:
        self._lift_deadline()
        if self._is_answering:
            # The answer to the request before it would be taken for frames.
            self.transport.close()
        elif self.url.isascii():
            self._stalls.stop()
            super().handle_websocket_upgrade()
        else:
            self._refuse(_BAD_REQUEST)

    def send_400_response(self, msg: str) -> None:
        """What is no HTTP, or too much of it, is told as all else is."""
        self._refuse(_HEAD_TOO_LARGE if self._head_bytes > MAX_HEAD_BYTES else _BAD_REQUEST)

    def _count(self, part: bytes) -> None:
        self._head_bytes += len(part)
        if self._head_bytes > MAX_HEAD_BYTES:
            raise HeadTooLarge

    def _refuse(self, status: int) -> None:
        words = {
            _BAD_REQUEST: "this is no HTTP request",
            _HEAD_TOO_LARGE: f"address and headers have {MAX_HEAD_BYTES} bytes at most",
        }
        error = {"message": words[status], "extensions": {"code": "BAD_USER_INPUT"}}
        body = json.dumps({"errors": [error]}).encode()
        self.transport.write(
            STATUS_LINE[status] + b"content-type: application/json; charset=utf-8\r\n"
            b"content-length: %d\r\nconnection: close\r\n\r\n%b" % (len(body), body)
        )
        self.transport.close()

    @property
    def _is_answering(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _set_deadline(self) -> None:
        self._deadline = self.loop.call_later(REQUEST_SECONDS, self._expire)

    def _lift_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _expire(self) -> None:
        """A request that waits for the answer to the one before it may go on waiting."""
        if self.pipeline or (self._is_answering and not self.cycle.more_body):
            self._set_deadline()
        else:
            self._deadline = None
            self.transport.close()


class LimitedWebSocket(WebSocketsSansIOProtocol):
    """A WebSocket that takes little from strangers, and may be closed by both sides at once."""

    _stalls: SlowReaderGuard
    _is_dropped = False

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.close_timeout = CLOSE_SECONDS
        self._served, self.app = self.app, self._serve
        self.conn.max_message_size = MAX_FIRST_MESSAGE_BYTES
        self._link = SocketLink(allow_large_messages=self._widen)

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._stalls = SlowReaderGuard(transport, self.loop)

    def connection_lost(self, exc: Exception | None) -> None:
        """One that broke, or that took nothing for too long, has not closed."""
        self._stalls.stop()
        is_dropped = self._is_dropped or self._stalls.has_dropped
        if exc is not None or is_dropped:
            code, reason = CloseCode.ABNORMAL_CLOSURE, DROPPED if is_dropped else ""
            self.queue.put_nowait({"type": "websocket.disconnect", "code": code, "reason": reason})
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.conn.handshake_exc is not None and not self.handshake_initiated:
            self.transport.write(b"".join(self.conn.data_to_send()))
            self.transport.close()

    def handle_connect(self, event: "Handshake") -> None:
        super().handle_connect(event)
        if not self.close_sent:
            self._link.put_into(cast("dict[str, Any]", self.scope))

    def handle_cont(self, event: "Frame") -> None:
        super().handle_cont(event)
        if len(self.frames) > MAX_FRAGMENTS:
            self.conn.fail(_MESSAGE_TOO_BIG, "too many fragments")
            self.handle_parser_exception()

    def handle_ping(self) -> None:
        """Whoever asks for pongs and reads none is dropped: they are kept until they are read."""
        super().handle_ping()
        if self.transport.get_write_buffer_size() > MAX_UNREAD_BYTES:
            self._is_dropped = True
            self.transport.abort()

    def shutdown(self) -> None:
        """Whoever answers on it closes it when that is done; a stranger is told at once."""
        if self.close_sent:
            super().shutdown()
            return
        self.stop_keepalive()
        if not self.handshake_complete:
            self._turn_away()
            return
        leave = self._link.on_shutdown or self._say_goodbye
        leave()

    async def _serve(self, scope: Any, receive: Any, send: Any) -> None:
        """What is broken off because the server ends is no fault."""
        try:
            await self._served(scope, receive, send)
        except CancelledError:
            self._say_goodbye()

    def _turn_away(self) -> None:
        """Whoever was about to be let in asks the next one."""
        if self.initial_response is None:
            response = self.conn.reject(_UNAVAILABLE, "The server is about to end: try again\n")
            response.headers["Retry-After"] = RETRY_AFTER_SECONDS
            self.conn.send_response(response)
            self.transport.write(b"".join(self.conn.data_to_send()))
        self.transport.close()

    def _say_goodbye(self) -> None:
        """Behind what was sent already, and without waiting for whoever reads slowly."""
        self.queue.put_nowait({"type": "websocket.disconnect", "code": CloseCode.GOING_AWAY})
        # Its client may be closing it at this moment.
        with suppress(InvalidState):
            self.conn.send_close(CloseCode.GOING_AWAY)
            self.transport.write(b"".join(self.conn.data_to_send()))
        self.transport.close()

    def _widen(self) -> None:
        self.conn.max_message_size = self.config.ws_max_size
