"""GraphQL clients over HTTP and over graphql-transport-ws, with helpers to assert on answers."""

import asyncio
import json
import socket
import struct
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any, cast

import httpx
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from tests.support.api.servers import LOOPBACK, Address
from tests.support.leaks import lines_with_secrets

Data = dict[str, Any]
PATIENCE_SECONDS = 10
SUBPROTOCOL = "graphql-transport-ws"


class Client:
    """Sends documents by POST with one token, or without any."""

    def __init__(self, http: httpx.AsyncClient, address: Address, token: str | None) -> None:
        self._http = http
        self._address = address
        self._headers = {} if token is None else {"Authorization": f"Bearer {token}"}

    async def ask(self, document: str, **variables: object) -> Data:
        """Send a document and return its data; errors fail the test."""
        response = await self.response(document, **variables)
        assert "errors" not in response, response["errors"]
        return cast("Data", response["data"])

    async def refused(self, document: str, **variables: object) -> tuple[str, Data]:
        """Send a document; returns the message and extensions of its only error."""
        response = await self.response(document, **variables)
        [error] = response["errors"]
        return error["message"], error["extensions"]

    async def response(self, document: str, **variables: object) -> Data:
        answer = await self.post({"query": document, "variables": variables})
        return cast("Data", answer.json())

    async def post(
        self, body: object = None, *, content: bytes | None = None, **headers: str
    ) -> httpx.Response:
        """Send a body unchanged; headers are given with underscores for dashes."""
        raw = json.dumps(body).encode() if content is None else content
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self._http.post(
            self._address.http,
            content=raw,
            headers={"Content-Type": "application/json", **self._headers, **named},
        )

    async def page(self, path: str) -> httpx.Response:
        """Get another path than /graphql."""
        url = self._address.http.replace("/graphql", path)
        return await self._http.get(url, headers=self._headers)

    async def get(self, **params: str) -> httpx.Response:
        return await self._http.get(self._address.http, params=params, headers=self._headers)


@dataclass(frozen=True, slots=True)
class Closed:
    """The code and reason with which the server closed a socket."""

    code: int
    reason: str


class Socket:
    """One graphql-transport-ws connection."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection

    async def say(self, **message: object) -> None:
        await self._connection.send(json.dumps(message))

    async def send(self, frame: str | bytes) -> None:
        await self._connection.send(frame)

    async def subscribe(self, name: str, document: str, **variables: object) -> None:
        payload = {"query": document, "variables": variables}
        await self.say(type="subscribe", id=name, payload=payload)

    async def hear(self) -> Data:
        """The next message; it must contain no secret."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            text = await self._connection.recv(decode=True)
        assert not lines_with_secrets([text])
        return cast("Data", json.loads(text))

    async def hear_data(self, name: str) -> Data:
        """The data of the next message, which must belong to this operation."""
        message = await self.hear()
        assert (message["type"], message["id"]) == ("next", name), message
        assert "errors" not in message["payload"], message
        return cast("Data", message["payload"]["data"])

    async def hear_error(self, name: str) -> list[Data]:
        """The errors in the next message, which must end this operation."""
        message = await self.hear()
        assert (message["type"], message["id"]) == ("error", name), message
        return cast("list[Data]", message["payload"])

    async def hear_complete(self, name: str) -> None:
        assert await self.hear() == {"type": "complete", "id": name}

    async def init(self, token: str | None) -> None:
        """Authenticate and await the acknowledgement."""
        payload = None if token is None else {"Authorization": f"Bearer {token}"}
        await self.say(type="connection_init", payload=payload)
        assert await self.hear() == {"type": "connection_ack"}

    async def closed(self) -> Closed:
        """Wait until the server closes the socket, ignoring messages; returns how it closed."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            with suppress(ConnectionClosed):
                while True:
                    await self._connection.recv()
        code, reason = self._connection.close_code, self._connection.close_reason
        assert code is not None
        return Closed(code, reason or "")

    async def leave(self, code: int, reason: str) -> None:
        await self._connection.close(code, reason)

    def break_off(self) -> None:
        """Reset the connection without a close frame, as a failing machine would."""
        wire = self._connection.transport.get_extra_info("socket")
        wire.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._connection.transport.abort()

    @property
    def subprotocol(self) -> str | None:
        return self._connection.subprotocol


@asynccontextmanager
async def connected(
    address: Address,
    *,
    subprotocols: tuple[str, ...] = (SUBPROTOCOL,),
    headers: Mapping[str, str] | None = None,
    host: str = LOOPBACK,
) -> AsyncIterator[Socket]:
    async with connect(
        address.ws.replace(LOOPBACK, host, 1),
        host=LOOPBACK,
        subprotocols=[cast("Any", name) for name in subprotocols] or None,
        additional_headers=dict(headers or {}),
        proxy=None,
        ping_interval=None,
        close_timeout=1,
    ) as connection:
        yield Socket(connection)
