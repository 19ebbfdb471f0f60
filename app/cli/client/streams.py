"""A GraphQL subscription over a WebSocket with graphql-transport-ws."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus
from websockets.typing import Subprotocol

from app.cli.client.endpoints import Endpoint
from app.cli.client.responses import (
    Data,
    Disconnected,
    Refused,
    raise_errors,
    reason_of,
    require_data,
)
from app.server.visible_text import visible

SUBPROTOCOL = Subprotocol("graphql-transport-ws")
ACK_SECONDS = 10.0
PING_SECONDS = 20.0
CLOSE_SECONDS = 1.0

_ID = "1"
_UNAUTHENTICATED = {4401, 4403}
_BROKEN = {4400, 4406, 4409}


class Subscription:
    """Iterates over the results of one subscription on its own socket, without reading ahead."""

    def __init__(self, connection: ClientConnection, where: str) -> None:
        self._connection = connection
        self._where = where

    def __aiter__(self) -> "Subscription":
        return self

    async def __anext__(self) -> Data:
        while True:
            message = await self._receive()
            payload = message.get("payload")
            match message.get("type"):
                case "next":
                    return require_data(payload, self._where)
                case "error":
                    raise_errors(payload, self._where)
                case "complete":
                    raise Disconnected("the server ended the stream")
                case "ping":
                    await self._send(type="pong")
                case "pong":
                    pass
                case _:
                    raise self._not_orderdeck()

    async def begin(self, bearer: str, document: str, variables: Data) -> None:
        """Authenticate and subscribe."""
        try:
            async with asyncio.timeout(ACK_SECONDS):
                await self._send(type="connection_init", payload={"Authorization": bearer})
                message = await self._receive()
        except TimeoutError:
            raise Disconnected("the server does not answer") from None
        if message.get("type") != "connection_ack":
            raise self._not_orderdeck()
        payload = {"query": document, "variables": variables}
        await self._send(type="subscribe", id=_ID, payload=payload)

    async def _send(self, **message: object) -> None:
        with _translated_close():
            await self._connection.send(json.dumps(message))

    async def _receive(self) -> Data:
        with _translated_close():
            raw = await self._connection.recv()
        try:
            message = json.loads(raw)
        except ValueError:
            raise self._not_orderdeck() from None
        if not isinstance(message, dict):
            raise self._not_orderdeck()
        return message

    def _not_orderdeck(self) -> Refused:
        return Refused(f"{self._where} is no orderdeck: it does not speak {SUBPROTOCOL}")


@asynccontextmanager
async def subscribed(
    endpoint: Endpoint, document: str, variables: Data
) -> AsyncIterator[Subscription]:
    connection = await _connect(endpoint)
    try:
        subscription = Subscription(connection, endpoint.url)
        await subscription.begin(endpoint.bearer, document, variables)
        yield subscription
    finally:
        await connection.close()


async def _connect(endpoint: Endpoint) -> ClientConnection:
    tls: dict[str, Any] = {} if endpoint.tls is None else {"ssl": endpoint.tls}
    try:
        connection = await connect(
            endpoint.socket_url,
            subprotocols=[SUBPROTOCOL],
            proxy=None if endpoint.is_here else True,
            ping_interval=PING_SECONDS,
            ping_timeout=PING_SECONDS,
            close_timeout=CLOSE_SECONDS,
            **tls,
        )
    except InvalidStatus as error:
        raise _handshake_error(error.response.status_code) from None
    except (OSError, EOFError, InvalidHandshake) as error:
        raise Disconnected(f"the server cannot be reached: {reason_of(error)}") from None
    if connection.subprotocol != SUBPROTOCOL:
        await connection.close()
        raise Refused(f"{endpoint.url} is no orderdeck: it does not speak {SUBPROTOCOL}")
    return connection


def _handshake_error(status: int) -> Exception:
    if status >= 500:
        return Disconnected(f"the server answers {status}")
    return Refused(f"no WebSocket is let through: the answer is {status}")


@contextmanager
def _translated_close() -> Iterator[None]:
    try:
        yield
    except ConnectionClosed as error:
        raise _close_error(error) from None


def _close_error(error: ConnectionClosed) -> Exception:
    if error.rcvd is None:
        return Disconnected("the connection was lost")
    code, reason = error.rcvd.code, visible(error.rcvd.reason)
    if code in _UNAUTHENTICATED:
        return Refused("UNAUTHENTICATED: the token does not stand, or no longer; bring a valid one")
    if code in _BROKEN:
        return Refused(f"the server ended the connection: {code} {reason}".rstrip())
    return Disconnected(f"the server closed the connection: {code} {reason}".rstrip())
