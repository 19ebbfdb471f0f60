"""Minimal HTTP and WebSocket clients, fast enough that the server is the bottleneck."""

import asyncio
import base64
import os
from collections.abc import Callable, Iterator
from itertools import cycle
from typing import Any, cast

import orjson

HOST = "127.0.0.1"
_TEXT, _CLOSE = 0x1, 0x8
_FINAL = 0x80
_HEAD_END = b"\r\n\r\n"


class HttpFailed(Exception):
    """The status of a response is not 200."""


class HttpConnection:
    """A keep-alive connection for one request at a time; reconnects if the server closed it."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def post(self, body: bytes, token: str) -> Any:
        if self._streams is None or self._streams[0].at_eof():
            self.close()
            self._streams = await asyncio.open_connection(HOST, self._port)
        reader, writer = self._streams
        head = (
            f"POST /graphql HTTP/1.1\r\nHost: {HOST}\r\nContent-Type: application/json\r\n"
            f"Authorization: Bearer {token}\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        writer.write(head.encode() + body)
        status, *headers = (await reader.readuntil(_HEAD_END)).lower().split(b"\r\n")
        length = next(int(line[15:]) for line in headers if line.startswith(b"content-length:"))
        answer = await reader.readexactly(length)
        if b" 200 " not in status:
            raise HttpFailed(f"{status.decode()}: {answer[:300].decode()}")
        return orjson.loads(answer)

    def close(self) -> None:
        if self._streams is not None:
            self._streams[1].close()


class SubscriberSocket(asyncio.Protocol):
    """A graphql-transport-ws client with one subscription; passes each message to a callback."""

    def __init__(self, token: str, subscription: bytes, take: Callable[[bytes], None]) -> None:
        self._init = _message("connection_init", {"Authorization": f"Bearer {token}"})
        self._subscription = subscription
        self._take = take
        self._rest = b""
        self.is_ready = asyncio.get_running_loop().create_future()
        self.failure: str | None = None
        self._transport: asyncio.WriteTransport | None = None
        self._data_received: Callable[[bytes], None] = self._receive_head

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports can write, but are no subclass of WriteTransport.
        self._transport = cast("asyncio.WriteTransport", transport)
        key = base64.b64encode(os.urandom(16)).decode()
        self._transport.write(
            f"GET /graphql HTTP/1.1\r\nHost: {HOST}\r\nUpgrade: websocket\r\n"
            f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n".encode()
        )

    def data_received(self, data: bytes) -> None:
        self._data_received(data)

    def connection_lost(self, exc: Exception | None) -> None:
        self._fail(f"the socket was closed: {exc!r}")

    def close(self) -> None:
        if self._transport is not None:
            self._data_received = _ignore
            self._transport.abort()

    def _receive_head(self, data: bytes) -> None:
        self._rest += data
        head, end, rest = self._rest.partition(_HEAD_END)
        if not end:
            return
        if not head.startswith(b"HTTP/1.1 101"):
            self._fail(head[:200].decode())
            return
        self._rest = b""
        self._write(self._init)
        self._data_received = self._receive_acknowledgement
        if rest:
            self._receive_acknowledgement(rest)

    def _receive_acknowledgement(self, data: bytes) -> None:
        for payload in self._payloads(data):
            if orjson.loads(payload)["type"] != "connection_ack":
                self._fail(payload[:200].decode())
                return
            self._write(self._subscription)
            self._data_received = self._receive_updates
            self.is_ready.set_result(None)

    def _receive_updates(self, data: bytes) -> None:
        for payload in self._payloads(data):
            self._take(payload)

    def _payloads(self, data: bytes) -> Iterator[bytes]:
        """The text of each complete frame; servers neither mask nor fragment such short ones."""
        if self._rest:
            data = self._rest + data
        at, end = 0, len(data)
        while end - at >= 2:
            length, start = data[at + 1], at + 2
            if length == 126:
                length, start = int.from_bytes(data[at + 2 : at + 4], "big"), at + 4
            elif length == 127:
                length, start = int.from_bytes(data[at + 2 : at + 10], "big"), at + 10
            if start + length > end:
                break
            if data[at] == _FINAL | _TEXT:
                yield data[start : start + length]
            elif data[at] == _FINAL | _CLOSE:
                self._fail(f"the server closed: {data[start : start + length]!r}")
            at = start + length
        self._rest = data[at:]

    def _write(self, payload: bytes) -> None:
        assert self._transport is not None
        self._transport.write(_masked(payload))

    def _fail(self, words: str) -> None:
        self.failure = self.failure or words
        if not self.is_ready.done():
            self.is_ready.set_exception(ConnectionError(words))


def subscribe(document: str) -> bytes:
    return _message("subscribe", {"query": document}, id="1")


def _message(kind: str, payload: object, **more: str) -> bytes:
    return orjson.dumps({**more, "type": kind, "payload": payload})


def _masked(payload: bytes) -> bytes:
    mask = os.urandom(4)
    length = len(payload)
    size = bytes([0x80 | length]) if length < 126 else b"\xfe" + length.to_bytes(2, "big")
    masked = bytes(byte ^ key for byte, key in zip(payload, cycle(mask), strict=False))
    return bytes([_FINAL | _TEXT]) + size + mask + masked


def _ignore(_: bytes) -> None:
    return
