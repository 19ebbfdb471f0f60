"""Clients as users write them: GraphQL over HTTP, and over graphql-transport-ws."""

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
    """Asks by POST, with one token."""

    def __init__(self, http: httpx.AsyncClient, address: Address, token: str | None) -> None:
        self._http = http
        self._address = address
        self._headers = {} if token is None else {"Authorization": f"Bearer {token}"}

    async def ask(self, document: str, **variables: object) -> Data:
        """The data; an error is a failure."""
        told = await self.tell(document, **variables)
        assert "errors" not in told, told["errors"]
        return cast("Data", told["data"])

    async def refused(self, document: str, **variables: object) -> tuple[str, Data]:
        """The message and the extensions of the only error."""
        told = await self.tell(document, **variables)
        [error] = told["errors"]
        return error["message"], error["extensions"]

    async def tell(self, document: str, **variables: object) -> Data:
        answer = await self.post({"query": document, "variables": variables})
        return cast("Data", answer.json())

    async def post(
        self, body: object = None, *, content: bytes | None = None, **headers: str
    ) -> httpx.Response:
        """Send a body as it is; headers are named with underscores."""
        raw = json.dumps(body).encode() if content is None else content
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self._http.post(
            self._address.http,
            content=raw,
            headers={"Content-Type": "application/json", **self._headers, **named},
        )

    async def page(self, path: str) -> httpx.Response:
        """What stands beside /graphql."""
        url = self._address.http.replace("/graphql", path)
        return await self._http.get(url, headers=self._headers)

    async def get(self, **params: str) -> httpx.Response:
        return await self._http.get(self._address.http, params=params, headers=self._headers)


@dataclass(frozen=True, slots=True)
class Closed:
    """How the server ended a socket."""

    code: int
    reason: str


class Socket:
    """One connection of graphql-transport-ws."""

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
        """The next message, which no token is ever in."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            told = await self._connection.recv(decode=True)
        assert not lines_with_secrets([told])
        return cast("Data", json.loads(told))

    async def hear_data(self, name: str) -> Data:
        """The data of the next message, which must be of this operation."""
        message = await self.hear()
        assert (message["type"], message["id"]) == ("next", name), message
        assert "errors" not in message["payload"], message
        return cast("Data", message["payload"]["data"])

    async def hear_error(self, name: str) -> list[Data]:
        """The errors that end this operation, before anything else of it."""
        message = await self.hear()
        assert (message["type"], message["id"]) == ("error", name), message
        return cast("list[Data]", message["payload"])

    async def hear_complete(self, name: str) -> None:
        assert await self.hear() == {"type": "complete", "id": name}

    async def init(self, token: str | None) -> None:
        """Come in with a token."""
        payload = None if token is None else {"Authorization": f"Bearer {token}"}
        await self.say(type="connection_init", payload=payload)
        assert await self.hear() == {"type": "connection_ack"}

    async def closed(self) -> Closed:
        """How it ends; messages that still come are not looked at."""
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
        """As a machine that fails: without a word."""
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
