"""WebSocket connections to a local exchange, with their faults."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

from aiohttp import WSMsgType, web

Message = dict[str, Any]
Hear = Callable[["Socket", Message], Awaitable[None]]


class Socket:
    """One connection; messages are queued and sent in order."""

    def __init__(self, request: web.BaseRequest) -> None:
        self.topics: dict[str, Any] = {}
        self.is_silent = False
        # What the address that was dialed says after its path.
        self.query = dict(request.rel_url.query)
        self._request = request
        self._response = web.WebSocketResponse()
        self._outbox: asyncio.Queue[str] = asyncio.Queue()

    async def run(self, hear: Hear) -> web.WebSocketResponse:
        await self._response.prepare(self._request)
        writer = asyncio.create_task(self._write())
        try:
            async for message in self._response:
                if message.type is WSMsgType.TEXT:
                    await hear(self, _message_in(message.data))
        finally:
            writer.cancel()
            await asyncio.gather(writer, return_exceptions=True)
        return self._response

    def say(self, message: Any) -> None:
        self.say_raw(json.dumps(message))

    def say_raw(self, text: str) -> None:
        if not self.is_silent:
            self._outbox.put_nowait(text)

    def cut(self) -> None:
        if self._request.transport is not None:
            self._request.transport.abort()

    async def _write(self) -> None:
        while True:
            text = await self._outbox.get()
            await self._response.send_str(text)


def _message_in(text: str) -> Message:
    """What a client says: JSON, or a plain word such as ping."""
    return dict(json.loads(text)) if text.startswith("{") else {"word": text}


class Speaker(Protocol):
    """Handles the messages that a client sends on a socket."""

    async def hear(self, socket: Socket, message: Message) -> None: ...


class Sockets:
    """All open sockets of one kind, and the faults that a test can inject."""

    def __init__(self) -> None:
        self.open: list[Socket] = []
        self.is_refusing = False
        self.dials = 0

    async def serve(self, request: web.BaseRequest, speaker: Speaker) -> web.StreamResponse:
        self.dials += 1
        if self.is_refusing:
            return web.Response(status=503)
        socket = Socket(request)
        self.open.append(socket)
        try:
            return await socket.run(speaker.hear)
        finally:
            self.open.remove(socket)

    def cut(self) -> None:
        """Abort every connection without a close frame."""
        for socket in list(self.open):
            socket.cut()

    def say_nonsense(self) -> None:
        """Send malformed JSON on every socket."""
        for socket in self.open:
            socket.say_raw('{"e":')

    def fall_silent(self) -> None:
        """Send nothing more on the open sockets; new connections work."""
        for socket in self.open:
            socket.is_silent = True
