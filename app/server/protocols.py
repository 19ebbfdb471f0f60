"""uvicorn's HTTP and WebSocket protocols, with limits against slow, large or endless requests."""

import json
from asyncio import CancelledError, TimerHandle
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.exceptions import InvalidState
from websockets.frames import CloseCode
from websockets.server import ServerProtocol

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
    """The URL and headers of a request together are longer than the limit."""


class LimitedHttpProtocol(HttpToolsProtocol):
    """One HTTP connection, on which each request must arrive within limits of bytes and time."""

    _slow_reader_guard: SlowReaderGuard
    _deadline: TimerHandle | None = None
    _requests_begun = 0
    _is_receiving = False
    _is_in_head = False
    _head_bytes = 0
    # Bytes of the current request; a chunk that holds parts of several requests does not count.
    _bytes = 0

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._slow_reader_guard = SlowReaderGuard(transport, self.loop)
        self._set_deadline()

    def connection_lost(self, exc: Exception | None) -> None:
        self._slow_reader_guard.stop()
        self._lift_deadline()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._deadline is None:
            self._set_deadline()
        only = self._requests_begun + (not self._is_receiving)
        super().data_received(data)
        if self._requests_begun <= only:
            self._bytes += len(data)
        if self.transport.is_closing() or not self._is_receiving:
            return
        if self._is_in_head and self._bytes > MAX_HEAD_BYTES:
            self._refuse(_HEAD_TOO_LARGE)
        elif self._bytes > MAX_REQUEST_BYTES:
            self.transport.close()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._requests_begun += 1
        self._is_receiving = self._is_in_head = True
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
        self._is_receiving = False
        self._lift_deadline()
        super().on_message_complete()

    def handle_websocket_upgrade(self) -> None:
        self._lift_deadline()
        if self._is_answering:
            # The client would take the response to the earlier request for WebSocket frames.
            self.transport.close()
        elif self.url.isascii():
            self._slow_reader_guard.stop()
            super().handle_websocket_upgrade()
            # It refers to this protocol, which nobody else knows any more.
            self.parser = None  # type: ignore[assignment]
        else:
            self._refuse(_BAD_REQUEST)

    def send_400_response(self, msg: str) -> None:
        """Answer a request that is malformed or too large in the format of all other errors."""
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
        """Close, unless the request is pipelined behind one that is still being answered."""
        if self.pipeline or (self._is_answering and not self.cycle.more_body):
            self._set_deadline()
        else:
            self._deadline = None
            self.transport.close()


class LimitedWebSocket(WebSocketsSansIOProtocol):
    """A WebSocket with small messages before authentication, that both sides may close at once."""

    _slow_reader_guard: SlowReaderGuard
    _is_dropped = False

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.close_timeout = CLOSE_SECONDS
        self._wrapped_app, self.app = self.app, self._serve
        self.conn.max_message_size = MAX_FIRST_MESSAGE_BYTES
        self._link = SocketLink(
            allow_large_messages=partial(_allow, self.conn, self.config.ws_max_size)
        )

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._slow_reader_guard = SlowReaderGuard(transport, self.loop)

    def connection_lost(self, exc: Exception | None) -> None:
        """Report a connection that broke or was dropped as abnormal, not as closed."""
        self._slow_reader_guard.stop()
        is_dropped = self._is_dropped or self._slow_reader_guard.has_dropped
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

    def start_keepalive(self) -> None:
        """Called when the handshake has been answered: nobody asks for its headers again."""
        super().start_keepalive()
        del self.request, self.response

    def handle_cont(self, event: "Frame") -> None:
        super().handle_cont(event)
        if len(self.frames) > MAX_FRAGMENTS:
            self.conn.fail(_MESSAGE_TOO_BIG, "too many fragments")
            self.handle_parser_exception()

    def handle_ping(self) -> None:
        """Drop a client that sends pings and reads no pongs: unread pongs pile up in the buffer."""
        super().handle_ping()
        if self.transport.get_write_buffer_size() > MAX_UNREAD_BYTES:
            self._is_dropped = True
            self.transport.abort()

    def shutdown(self) -> None:
        """Let the application finish and close the socket; without one, close it at once."""
        if self.close_sent:
            super().shutdown()
            return
        self.stop_keepalive()
        if not self.handshake_complete:
            self._refuse_handshake()
            return
        leave = self._link.on_shutdown or self._close_going_away
        leave()

    async def _serve(self, scope: Any, receive: Any, send: Any) -> None:
        """Cancellation is the server's shutdown and not an error: say so to the client."""
        try:
            await self._wrapped_app(scope, receive, send)
        except CancelledError:
            self._close_going_away()
        finally:
            # What refers to this protocol, and is referred to by it, would stay as garbage.
            self._link.on_shutdown = None
            self.app = self._wrapped_app

    def _refuse_handshake(self) -> None:
        """Answer a handshake with 503 and Retry-After: the client should try the next server."""
        if self.initial_response is None:
            response = self.conn.reject(_UNAVAILABLE, "The server is about to end: try again\n")
            response.headers["Retry-After"] = RETRY_AFTER_SECONDS
            self.conn.send_response(response)
            self.transport.write(b"".join(self.conn.data_to_send()))
        self.transport.close()

    def _close_going_away(self) -> None:
        """Send the close frame after all that was sent, and do not wait for a slow reader."""
        self.queue.put_nowait({"type": "websocket.disconnect", "code": CloseCode.GOING_AWAY})
        # The client may be closing it at this moment.
        with suppress(InvalidState):
            self.conn.send_close(CloseCode.GOING_AWAY)
            self.transport.write(b"".join(self.conn.data_to_send()))
        self.transport.close()


def _allow(connection: ServerProtocol, bytes_at_most: int) -> None:
    connection.max_message_size = bytes_at_most
