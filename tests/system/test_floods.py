"""Floods by strangers and by known clients: what they may cost, and that the honest are served."""

import asyncio
import json
import re
import select
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import TypeVar

import pytest
from websockets.frames import Frame, Opcode

from tests.support.processes.clients import ApiClient, api_client
from tests.support.processes.servers import ServerProcess
from tests.system.conftest import MakeServer

pytestmark = pytest.mark.slow

T = TypeVar("T")

MEGABYTE = 1024 * 1024
# As the page about security states them.
MOST_OF_SILENT = 60 * MEGABYTE
MOST_OF_STALLED = 200 * MEGABYTE
MOST_OF_WRONG = 40 * MEGABYTE
SOCKETS = 1_000
ORDERS = 200
WRONG_TOKENS = 10_000
WRONG_CONNECTIONS = 400
AT_ONCE = 50
WARMING = 50
STALL_SECONDS = 8.0
BUFFER_BYTES = 4_096
# A busy machine is slow; without a flood an answer takes some milliseconds.
SERVED_SECONDS = 10.0
FLOOD_SECONDS = 120
LETTERS = "x" * 7_500
BALANCE = {"accounts__paper__paper__balances__USDT": 1_000_000_000}
ORDER = {"symbol": "BTC/USDT", "side": "BUY", "type": "MARKET", "amount": "0.001"}
WATCH = """subscription ($after: Cursor) { orderUpdates(after: $after) {
  cursor kind order { id status a: metadata b: metadata }
} }"""
PEAK = re.compile(r"VmHWM:\s+([0-9]+) kB")
LENGTH = re.compile(rb"content-length: ([0-9]+)", re.IGNORECASE)
HANDSHAKE = (
    b"GET /graphql HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: graphql-transport-ws\r\n"
    b"Sec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n\r\n"
)
WHO = b'{"query":"{ viewer { name } }"}'
GUESS = (
    b"POST /graphql HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer odk_%d\r\n"
    b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%b"
)


class Honest:
    """Asks and places all the while, and is answered each time before long."""

    def __init__(self, api: ApiClient) -> None:
        self._api = api

    async def during(self, flood: Awaitable[T]) -> T:
        flooding = asyncio.ensure_future(flood)
        try:
            await self.until(flooding.done)
            return await flooding
        finally:
            flooding.cancel()

    async def until(self, is_over: Callable[[], bool]) -> None:
        async with asyncio.timeout(FLOOD_SECONDS):
            while not is_over():
                await self.trade()

    async def place_many(self, orders: int) -> None:
        for _ in range(0, orders, AT_ONCE):
            wanted = [{**ORDER, "metadata": {"note": LETTERS}}] * AT_ONCE
            told = await self._api.place_many(wanted)
            assert {answer.refusal for answer in told} == {None}

    async def trade(self) -> None:
        async with asyncio.timeout(SERVED_SECONDS):
            await self._api.open_orders()
        async with asyncio.timeout(SERVED_SECONDS):
            assert (await self._api.place(**ORDER)).refusal is None


class Growth:
    """How much more memory the server has had, at its most, than when this was begun."""

    def __init__(self, server: ServerProcess) -> None:
        self._status = Path(f"/proc/{server.pid}/status")
        self._before = server.rss_bytes()

    @property
    def bytes(self) -> int:
        [kilobytes] = PEAK.findall(self._status.read_text())
        return int(kilobytes) * 1024 - self._before


@pytest.fixture
async def server(make_server: MakeServer, sqlite_url: str) -> ServerProcess:
    server = make_server(sqlite_url, **BALANCE)
    server.faults = {"stall_seconds": STALL_SECONDS}
    await server.start()
    return server


async def test_a_thousand_who_say_nothing_cost_little_and_hold_nobody_up(
    server: ServerProcess,
) -> None:
    async with api_client(server) as api:
        honest = Honest(api)
        await _warmed(honest)
        growth = Growth(server)
        async with AsyncExitStack() as stack:
            sockets = await honest.during(stack.enter_async_context(_opened(server)))
            await honest.trade()
            assert not _dropped(sockets)
            assert growth.bytes < MOST_OF_SILENT


async def test_a_thousand_who_stop_reading_cost_little_and_hold_nobody_up(
    server: ServerProcess,
) -> None:
    async with api_client(server) as api:
        honest = Honest(api)
        await _warmed(honest)
        wishes = _wishes(server.token, (await api.open_orders())["asOf"])
        growth = Growth(server)
        await _stall(server, honest, wishes)
        await honest.trade()
        assert growth.bytes < MOST_OF_STALLED


async def test_ten_thousand_wrong_tokens_cost_little_and_hold_nobody_up(
    server: ServerProcess,
) -> None:
    async with api_client(server) as api:
        honest = Honest(api)
        await _warmed(honest)
        growth = Growth(server)
        statuses = await honest.during(_guess(server))
        assert len(statuses) == WRONG_TOKENS
        assert set(statuses) == {401, 429}
        assert growth.bytes < MOST_OF_WRONG
    await server.stop()
    # Each stands for twice as many as the one before.
    told = [line for line in server.output if "token.wrong" in line]
    assert 0 < len(told) <= WRONG_TOKENS.bit_length()


async def _warmed(honest: Honest) -> None:
    """What the server keeps for good is there before anything is measured."""
    for _ in range(WARMING):
        await honest.trade()


@asynccontextmanager
async def _opened(server: ServerProcess) -> AsyncIterator[Sequence[socket.socket]]:
    """Sockets that were let in, and on which little is on its way to whoever does not read."""
    async with AsyncExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(SOCKETS)]
        async with asyncio.timeout(FLOOD_SECONDS):
            await asyncio.gather(*(_let_in(one, server) for one in sockets))
        yield sockets


async def _let_in(one: socket.socket, server: ServerProcess) -> None:
    loop = asyncio.get_running_loop()
    one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER_BYTES)
    one.setblocking(False)
    await loop.sock_connect(one, ("127.0.0.1", server.port))
    await loop.sock_sendall(one, HANDSHAKE)
    assert (await loop.sock_recv(one, BUFFER_BYTES)).startswith(b"HTTP/1.1 101 ")


async def _stall(server: ServerProcess, honest: Honest, wishes: bytes) -> None:
    """A thousand subscribe, stop reading, and are dropped."""
    async with AsyncExitStack() as stack:
        sockets = await honest.during(stack.enter_async_context(_opened(server)))
        await honest.during(_said(sockets, wishes))
        await honest.during(honest.place_many(ORDERS))
        await honest.until(lambda: _dropped(sockets) == SOCKETS)


async def _said(sockets: Iterable[socket.socket], words: bytes) -> None:
    loop = asyncio.get_running_loop()
    await asyncio.gather(*(loop.sock_sendall(one, words) for one in sockets))


def _wishes(token: str, after: str) -> bytes:
    bearer = {"Authorization": f"Bearer {token}"}
    watching = {"query": WATCH, "variables": {"after": after}}
    return b"".join(
        Frame(Opcode.TEXT, json.dumps(message).encode()).serialize(mask=True)
        for message in (
            {"type": "connection_init", "payload": bearer},
            {"type": "subscribe", "id": "1", "payload": watching},
        )
    )


def _dropped(sockets: Iterable[socket.socket]) -> int:
    """How many the server has ended, without taking anything of what it sent before."""
    ends = select.poll()
    for one in sockets:
        ends.register(one, 0)
    return len(ends.poll(0))


async def _guess(server: ServerProcess) -> list[int]:
    """The statuses of as many guesses, over a few connections."""
    guesses = iter(range(WRONG_TOKENS))
    guessing = (_guess_on(server.port, guesses) for _ in range(WRONG_CONNECTIONS))
    return [status for statuses in await asyncio.gather(*guessing) for status in statuses]


async def _guess_on(port: int, guesses: Iterator[int]) -> list[int]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    statuses = []
    for number in guesses:
        writer.write(GUESS % (number, len(WHO), WHO))
        head = await reader.readuntil(b"\r\n\r\n")
        [length] = LENGTH.findall(head)
        await reader.readexactly(int(length))
        statuses.append(int(head.split()[1]))
    writer.close()
    return statuses
