"""Whoever is under way when the server ends is answered in time, or told that it is too late."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket
from structlog.testing import capture_logs

from app.exchanges.paper.faults import Faults
from app.runtime import Parts
from tests.api.conftest import ADMIN, Api, Serve, hasty, never_late, running, settings_of
from tests.support.api.clients import PATIENCE_SECONDS, Data, Socket
from tests.support.api.servers import dialed, serving
from tests.support.api.trading import MARKET, PLACE
from tests.support.clock import ManualClock

ANSWER_SECONDS = 3.0
ENOUGH_SECONDS = 8
WATCH = "subscription { orderUpdates { kind } }"
STATUSES = "{ orders { nodes { clientOrderId status } } }"
WANTED = {**MARKET, "clientOrderId": "under-way"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Ending:
    """A server that can be told to end while its clients go on."""

    api: Api
    stack: AsyncExitStack

    def begin(self) -> asyncio.Task[None]:
        return asyncio.create_task(self.stack.aclose())


Begin = Callable[[int], AbstractAsyncContextManager[Ending]]


@pytest.fixture
def begin(database_url: str, tmp_path: Path, clock: ManualClock, faults: Faults) -> Begin:
    """A server with so much patience, whose exchange answers when the clock is moved on."""
    faults.delay_after_seconds = ANSWER_SECONDS
    parts = Parts(clock=clock, login_throttle=hasty(), faults={"paper": faults}, seconds=never_late)

    @asynccontextmanager
    async def begin(grace_seconds: int) -> AsyncIterator[Ending]:
        server = running(settings_of(database_url, tmp_path), parts, grace_seconds=grace_seconds)
        async with AsyncExitStack() as stack:
            api = await stack.enter_async_context(server)
            yield Ending(api=api, stack=stack)

    return begin


async def sent(socket: Socket) -> None:
    """Return when it is on its way to the exchange."""
    assert (await socket.hear_data("watch"))["orderUpdates"]["kind"] == "SUBMITTED"


async def assert_filled(socket: Socket, clock: ManualClock) -> None:
    """The exchange answers in its own time, and that is the last that is said."""
    hearing = asyncio.create_task(socket.hear_data("place"))
    while not hearing.done():
        await clock.advance(1)
    assert (await hearing)["placeOrder"]["order"]["status"] == "FILLED"
    await socket.hear_complete("place")
    assert (await socket.closed()).code == 1001


@asynccontextmanager
async def watching(api: Api) -> AsyncIterator[Socket]:
    async with api.socket() as socket:
        await socket.init(ADMIN)
        await socket.subscribe("watch", WATCH)
        # What is answered behind it has come behind it.
        await socket.subscribe("ready", "{ viewer { name } }")
        await socket.hear_data("ready")
        await socket.hear_complete("ready")
        yield socket


async def test_a_mutation_on_a_socket_is_answered_before_it_is_closed(
    begin: Begin, clock: ManualClock
) -> None:
    async with begin(ENOUGH_SECONDS) as server, server.api.socket() as socket:
        await socket.init(ADMIN)
        async with watching(server.api) as watcher:
            await socket.subscribe("place", PLACE, input=WANTED)
            await sent(watcher)
            ending = server.begin()
            assert (await watcher.closed()).code == 1001
        await socket.subscribe("late", PLACE, input=MARKET)
        [error] = await socket.hear_error("late")
        assert error["extensions"] == {"code": "RATE_LIMITED", "retryAfterSeconds": 1}
        await assert_filled(socket, clock)
        await ending


async def test_what_a_socket_watches_ends_at_once_and_what_it_changes_does_not(
    begin: Begin, clock: ManualClock
) -> None:
    async with begin(ENOUGH_SECONDS) as server, watching(server.api) as socket:
        await socket.subscribe("place", PLACE, input=WANTED)
        await sent(socket)
        ending = server.begin()
        await refused_at_last(socket)
        await assert_filled(socket, clock)
        await ending


async def refused_at_last(socket: Socket) -> None:
    """Ask for nothing much until that is too much: then the server has been told to end."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            await socket.subscribe("who", "{ viewer { name } }")
            message = await socket.hear()
            if message["type"] == "error":
                return
            await socket.hear_complete("who")


async def test_a_mutation_on_a_socket_that_takes_too_long_is_broken_off(
    begin: Begin, serve: Serve, clock: ManualClock
) -> None:
    async with begin(0) as server, watching(server.api) as watcher, server.api.socket() as socket:
        await socket.init(ADMIN)
        await socket.subscribe("place", PLACE, input=WANTED)
        await sent(watcher)
        ending = server.begin()
        assert (await socket.closed()).code == 1001
        await ending
    await assert_settled(serve, clock)


async def test_a_request_that_takes_too_long_is_told_so_and_nothing_of_the_inside(
    begin: Begin, serve: Serve, clock: ManualClock
) -> None:
    http = httpx.AsyncClient(trust_env=False, timeout=PATIENCE_SECONDS)
    async with begin(0) as server, watching(server.api) as watcher, http:
        body = {"query": PLACE, "variables": {"input": WANTED}}
        headers = {"Authorization": f"Bearer {ADMIN}", "X-Request-Id": "mine"}
        posted = http.post(server.api.address.http, json=body, headers=headers)
        posting = asyncio.create_task(posted)
        await sent(watcher)
        with capture_logs() as logs:
            await server.begin()
        answer = await posting
    assert answer.status_code == 503
    assert answer.json() == {"errors": [BROKEN_OFF]}
    assert answer.headers["X-Request-Id"] == "mine"
    assert answer.headers["Connection"] == "close"
    [told] = [line for line in logs if line["event"] == "request.failed"]
    assert told["request_id"] == "mine"
    await assert_settled(serve, clock)


async def test_a_socket_that_is_not_open_yet_is_told_to_come_again() -> None:
    knocked = asyncio.Event()

    async def dither(_: WebSocket) -> None:
        knocked.set()
        await asyncio.Event().wait()

    app = Starlette(routes=[WebSocketRoute("/graphql", dither)])
    async with AsyncExitStack() as stack:
        address = await stack.enter_async_context(serving(app, grace_seconds=1))
        async with dialed(address) as (reader, writer):
            writer.write(HANDSHAKE)
            await knocked.wait()
            ending = asyncio.create_task(stack.aclose())
            answer = await reader.read()
            await ending
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 503 ")
    assert b"Retry-After: 1" in head
    assert body == b"The server is about to end: try again\n"


HANDSHAKE = (
    b"GET /graphql HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: graphql-transport-ws\r\n"
    b"Sec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n\r\n"
)
BROKEN_OFF: Data = {
    "message": "the server ended before this was done: look up what became of it",
    "extensions": {"code": "INTERNAL_SERVER_ERROR", "requestId": "mine"},
}


async def assert_settled(serve: Serve, clock: ManualClock) -> None:
    """The next start finds at the exchange what nobody was told of."""
    client = (await serve()).client()
    async with asyncio.timeout(PATIENCE_SECONDS):
        while (await client.ask(STATUSES))["orders"]["nodes"] != [SETTLED]:
            await clock.advance(ANSWER_SECONDS)


SETTLED: Data = {"clientOrderId": "under-way", "status": "FILLED"}
