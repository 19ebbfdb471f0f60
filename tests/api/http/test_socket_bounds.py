"""What a socket may hold at most, and what becomes of those who take more."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from typing import cast

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import WebSocketRoute
from starlette.types import Receive, Scope, Send
from websockets.frames import Frame, Opcode

from app.domain.access.tokens import Scope as TokenScope
from app.server import slow_readers
from app.server.listening import MAX_MESSAGE_BYTES
from app.server.protocols import MAX_FIRST_MESSAGE_BYTES, MAX_FRAGMENTS, MAX_UNREAD_BYTES
from app.server.request_ids import RequestIds
from app.services import Services
from schema.build import build_schema
from schema.http.socket_limits import SocketLimits
from schema.http.transport import GraphQLEndpoint
from tests.api.conftest import ADMIN, Api, on_shared
from tests.support.api.clients import Closed, connected
from tests.support.api.servers import LOOPBACK, PATIENCE_SECONDS, Address, dialed, repeat, serving

WHO = "{ viewer { name } }"
EVERYTHING = "{ __schema { types { name description fields { name description } } } }"
WATCH = "subscription { orderUpdates { kind } }"
HANDSHAKE = (
    b"GET /graphql HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: graphql-transport-ws\r\n"
    b"Sec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n\r\n"
)
ID_IN_USE = 4409
TURNS = 20
STALL_SECONDS = 1.0
LOOKS = 4
BUFFER_BYTES = 4_096
FLOOD_BYTES = 64 * MAX_UNREAD_BYTES


class Room:
    """A server of sockets alone, which tells when one of them has ended."""

    def __init__(self, services: Services, socket_limits: SocketLimits) -> None:
        self.services = services
        self.socket_limits = socket_limits
        self.ended = asyncio.Event()
        self._endpoint = GraphQLEndpoint(
            build_schema(), lambda: services, socket_limits=socket_limits
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self._endpoint(scope, receive, send)
        finally:
            self.ended.set()

    async def token(self) -> str:
        _, secret = await self.services.auth.create(name="a client", scopes=[TokenScope.READ])
        return secret


def opened(room: Room) -> AbstractAsyncContextManager[Address]:
    counting = Middleware(RequestIds, metrics=lambda: room.services.metrics)
    return serving(Starlette(routes=[WebSocketRoute("/graphql", room)], middleware=[counting]))


def stop_reading(writer: asyncio.StreamWriter) -> None:
    cast("asyncio.Transport", writer.transport).pause_reading()


def frame(opcode: Opcode, data: bytes, *, fin: bool = True) -> bytes:
    return Frame(opcode, data, fin).serialize(mask=True)


def text(**message: object) -> bytes:
    return frame(Opcode.TEXT, json.dumps(message).encode())


@on_shared
async def test_the_operations_of_a_socket_are_bounded(shared_api: Api) -> None:
    async with shared_api.socket() as socket:
        await socket.init(ADMIN)
        for number in range(100):
            await socket.subscribe(str(number), WATCH)
        await socket.subscribe("more", WATCH)
        [error] = await socket.hear_error("more")
        assert error["extensions"] == {"code": "RATE_LIMITED", "retryAfterSeconds": 1}


@on_shared
async def test_an_id_that_is_freed_and_taken_in_one_breath_stays_taken(shared_api: Api) -> None:
    bearer = {"Authorization": f"Bearer {ADMIN}"}
    watching = text(type="subscribe", id="1", payload={"query": WATCH})
    freeing = text(type="complete", id="1")
    async with dialed(shared_api.address) as (reader, writer):
        writer.write(HANDSHAKE)
        await reader.readuntil(b"\r\n\r\n")
        writer.write(text(type="connection_init", payload=bearer))
        await reader.readuntil(b"connection_ack")
        for part in (watching, freeing + watching, *[b""] * TURNS):
            writer.write(part + text(type="ping"))
            await reader.readuntil(b"pong")
        writer.write(watching)
        await reader.readuntil(ID_IN_USE.to_bytes(2, "big") + b"Subscriber for 1 already exists")


@on_shared
async def test_a_stranger_sends_little_and_who_is_known_more(shared_api: Api) -> None:
    ping = '{"type": "ping"}'
    async with shared_api.socket() as socket:
        await socket.send(ping.ljust(MAX_FIRST_MESSAGE_BYTES))
        assert await socket.hear() == {"type": "pong"}
        await socket.send(ping.ljust(MAX_FIRST_MESSAGE_BYTES + 1))
        assert (await socket.closed()).code == 1009
    async with shared_api.socket() as socket:
        await socket.init(ADMIN)
        await socket.send(ping.ljust(MAX_MESSAGE_BYTES))
        assert await socket.hear() == {"type": "pong"}
        await socket.send(ping.ljust(MAX_MESSAGE_BYTES + 1))
        assert (await socket.closed()).code == 1009


async def test_the_longest_waiting_stranger_makes_room_for_a_new_one(services: Services) -> None:
    room = Room(services, SocketLimits(max_unauthenticated=2))
    token = await room.token()
    async with opened(room) as address, AsyncExitStack() as stack:
        known = await stack.enter_async_context(connected(address))
        await known.init(token)
        first, second, third = [
            await stack.enter_async_context(connected(address)) for _ in range(3)
        ]
        assert await first.closed() == Closed(1013, "Too many sockets")
        await third.init(token)
        await second.init(token)
        await known.subscribe("1", WHO)
        await known.hear_data("1")


async def test_the_sockets_of_a_token_are_bounded(services: Services) -> None:
    room = Room(services, SocketLimits(max_per_token=1))
    token, other = await room.token(), await room.token()
    async with opened(room) as address:
        async with connected(address) as one, connected(address) as more:
            await one.init(token)
            async with connected(address) as another:
                await another.init(other)
            await more.say(type="connection_init", payload={"Authorization": f"Bearer {token}"})
            assert await more.closed() == Closed(1013, "Too many sockets of this token")
            await one.subscribe("1", WHO)
            await one.hear_data("1")
            room.ended.clear()
        async with asyncio.timeout(10):
            await room.ended.wait()
        async with connected(address) as next_one:
            await next_one.init(token)


async def test_nothing_is_left_of_sockets_that_have_ended(services: Services) -> None:
    room = Room(services, SocketLimits())
    token = await room.token()
    async with opened(room) as address, connected(address) as known, connected(address):
        await known.init(token)
    assert vars(room.socket_limits) == vars(SocketLimits())


@on_shared
async def test_whoever_asks_for_pongs_and_reads_none_is_dropped(shared_api: Api) -> None:
    pings = frame(Opcode.PING, b"x" * 125) * 500
    async with dialed(shared_api.address) as (reader, writer):
        writer.write(HANDSHAKE)
        await reader.readuntil(b"\r\n\r\n")
        stop_reading(writer)
        with pytest.raises(ConnectionError):
            await repeat(writer, pings, FLOOD_BYTES // len(pings))


@on_shared
@pytest.mark.parametrize("count", [1, 2])
async def test_no_socket_opens_before_all_that_was_asked_is_answered(
    shared_api: Api, count: int
) -> None:
    page = b"GET /graphiql HTTP/1.1\r\nHost: localhost\r\n\r\n"
    async with dialed(shared_api.address) as (reader, writer):
        writer.write(page * count + HANDSHAKE)
        assert b" 101 " not in await reader.read()
    async with dialed(shared_api.address) as (reader, writer):
        writer.write(page.replace(b"GET", b"HEAD"))
        assert b" 200 " in await reader.readuntil(b"\r\n\r\n")
        writer.write(HANDSHAKE)
        assert b" 101 " in await reader.readuntil(b"\r\n\r\n")


@on_shared
async def test_a_message_in_very_many_pieces_is_refused(shared_api: Api) -> None:
    async with dialed(shared_api.address) as (reader, writer):
        writer.write(HANDSHAKE)
        await reader.readuntil(b"\r\n\r\n")
        writer.write(frame(Opcode.TEXT, b" ", fin=False))
        writer.write(frame(Opcode.CONT, b"", fin=False) * (MAX_FRAGMENTS + 1))
        assert b"too many fragments" in await reader.read()


@pytest.fixture
def impatience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slow_readers, "STALL_SECONDS", STALL_SECONDS)


@pytest.mark.usefixtures("impatience")
async def test_whoever_takes_no_byte_for_long_is_dropped(services: Services) -> None:
    room = Room(services, SocketLimits())
    token = await room.token()
    async with opened(room) as address, flooded(address, token), connected(address) as other:
        await room.ended.wait()
        counted = services.metrics.registry.get_sample_value
        assert counted("orderdeck_sockets_closed_total", {"code": "dropped"}) == 1
        # Whoever is sent nothing has nothing to take.
        await other.init(token)
        await other.subscribe("1", WHO)
        await other.hear_data("1")


@pytest.mark.slow
@pytest.mark.usefixtures("impatience")
async def test_whoever_takes_little_at_a_time_is_served_on(services: Services) -> None:
    room = Room(services, SocketLimits())
    loop = asyncio.get_running_loop()
    async with opened(room) as address, flooded(address, await room.token()) as client:
        for _ in range(3 * LOOKS):
            assert await loop.sock_recv(client, BUFFER_BYTES)
            ending = asyncio.ensure_future(room.ended.wait())
            await asyncio.wait({ending}, timeout=STALL_SECONDS / LOOKS)
            ending.cancel()
            assert not room.ended.is_set()


@asynccontextmanager
async def flooded(address: Address, token: str) -> AsyncIterator[socket.socket]:
    """Whoever has asked for far more than there is room for, and has not read it."""
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(PATIENCE_SECONDS):
        with socket.socket() as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER_BYTES)
            client.setblocking(False)
            await loop.sock_connect(client, (LOOPBACK, address.port))
            await loop.sock_sendall(client, HANDSHAKE)
            await loop.sock_recv(client, BUFFER_BYTES)
            await loop.sock_sendall(client, wishes(token))
            yield client


def wishes(token: str) -> bytes:
    bearer = {"Authorization": f"Bearer {token}"}
    everything = {"query": EVERYTHING}
    return text(type="connection_init", payload=bearer) + b"".join(
        text(type="subscribe", id=str(number), payload=everything) for number in range(20)
    )
