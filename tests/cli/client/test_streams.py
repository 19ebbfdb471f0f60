import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from websockets.asyncio.server import ServerConnection, serve

from app.cli.client.endpoints import Endpoint
from app.cli.client.filters import OrderFilter
from app.cli.client.following import Follower
from app.cli.client.responses import ApiError, Disconnected, Refused
from app.cli.client.streams import SUBPROTOCOL, subscribed

SECRET = "odk_" + "s" * 40
Answer = Callable[[ServerConnection], Awaitable[None]]


@asynccontextmanager
async def answering(answer: Answer, *, protocol: bool = True) -> AsyncIterator[Endpoint]:
    protocols = [SUBPROTOCOL] if protocol else None
    async with serve(answer, "127.0.0.1", 0, subprotocols=protocols) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        yield Endpoint(url=f"http://127.0.0.1:{port}/graphql", token=SECRET)


async def ended(answer: Answer, *, protocol: bool = True) -> ApiError:
    """How a subscription ends."""
    async with answering(answer, protocol=protocol) as endpoint:
        with pytest.raises(ApiError) as caught:
            await drain(endpoint)
    return caught.value


async def drain(endpoint: Endpoint) -> None:
    async with subscribed(endpoint, "subscription { x }", {}) as stream:
        async for _ in stream:
            pass


async def take_up(connection: ServerConnection) -> None:
    init = json.loads(await connection.recv())
    assert init["payload"] == {"Authorization": f"Bearer {SECRET}"}
    await connection.send('{"type": "connection_ack"}')
    assert json.loads(await connection.recv())["type"] == "subscribe"


@pytest.mark.parametrize(
    "message",
    [
        "[]",
        "5",
        "hello",
        '{"type": "data"}',
        '{"type": "next", "id": "1", "payload": []}',
        '{"type": "next", "id": "1", "payload": {"data": null}}',
        '{"type": "error", "id": "1", "payload": []}',
        '{"type": "error", "id": "1", "payload": [{"message": 5}]}',
    ],
)
async def test_whatever_a_stranger_says_ends_it(message: str) -> None:
    async def answer(connection: ServerConnection) -> None:
        await take_up(connection)
        await connection.send(message)
        await connection.wait_closed()

    error = await ended(answer)
    assert isinstance(error, Refused)
    assert "no orderdeck" in str(error)


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("CURSOR_EXPIRED", Refused),
        ("CURSOR_INVALID", Refused),
        ("UNAUTHENTICATED", Refused),
        ("FORBIDDEN", Refused),
        ("BAD_USER_INPUT", Refused),
        ("INTERNAL_SERVER_ERROR", Disconnected),
        ("RATE_LIMITED", Disconnected),
    ],
)
async def test_an_error_says_whether_to_try_again(code: str, kind: type[ApiError]) -> None:
    error = {"message": "no \x1b[31m", "extensions": {"code": code}}

    async def answer(connection: ServerConnection) -> None:
        await take_up(connection)
        await connection.send(json.dumps({"type": "error", "id": "1", "payload": [error]}))
        await connection.wait_closed()

    told = await ended(answer)
    assert type(told) is kind
    assert str(told).startswith(rf"{code}: no \x1b[31m")


@pytest.mark.parametrize(
    ("code", "kind"),
    [(4403, Refused), (4400, Refused), (1001, Disconnected), (1013, Disconnected)],
)
async def test_a_close_says_whether_to_try_again(code: int, kind: type[ApiError]) -> None:
    async def answer(connection: ServerConnection) -> None:
        await connection.close(code, "because")

    assert type(await ended(answer)) is kind


async def test_a_server_without_the_protocol_is_a_stranger() -> None:
    async def answer(connection: ServerConnection) -> None:
        await connection.wait_closed()

    assert "does not speak" in str(await ended(answer, protocol=False))


async def test_pings_are_answered_and_completing_is_a_disconnect() -> None:
    heard = []

    async def answer(connection: ServerConnection) -> None:
        await take_up(connection)
        await connection.send('{"type": "ping"}')
        heard.append(json.loads(await connection.recv()))
        await connection.send('{"type": "complete", "id": "1"}')
        await connection.wait_closed()

    assert type(await ended(answer)) is Disconnected
    assert heard == [{"type": "pong"}]


class Enough(Exception):
    """So many pauses are enough."""


async def test_pauses_grow_while_nobody_answers() -> None:
    async def hang_up(connection: ServerConnection) -> None:
        await connection.close(1001)

    pauses: list[float] = []

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 7:
            raise Enough

    told: list[object] = []
    warnings: list[str] = []
    async with answering(hang_up) as endpoint:
        follower = Follower(
            endpoint, OrderFilter(), show=told.append, warn=warnings.append, sleep=sleep
        )
        with pytest.raises(Enough):
            await follower.run("cursor")
    assert pauses == [0.25, 0.5, 1, 2, 4, 5, 5]
    assert told == []
    assert "reconnecting in 0.25 s" in warnings[0]


async def test_after_an_update_pauses_are_short_again_and_it_goes_on_behind_it() -> None:
    asked: list[object] = []

    async def answer(connection: ServerConnection) -> None:
        await connection.recv()
        await connection.send('{"type": "connection_ack"}')
        asked.append(json.loads(await connection.recv())["payload"]["variables"]["after"])
        data = {"orderUpdates": {"cursor": f"cursor-{len(asked)}"}}
        if len(asked) != 2:
            await connection.send(
                json.dumps({"type": "next", "id": "1", "payload": {"data": data}})
            )
        await connection.close(1001)

    pauses: list[float] = []

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 3:
            raise Enough

    told: list[object] = []
    async with answering(answer) as endpoint:
        follower = Follower(
            endpoint, OrderFilter(), show=told.append, warn=lambda _: None, sleep=sleep
        )
        with pytest.raises(Enough):
            await follower.run("start")
    assert asked == ["start", "cursor-1", "cursor-1"]
    assert told == [{"cursor": "cursor-1"}, {"cursor": "cursor-3"}]
    assert pauses == [0.25, 0.5, 0.25]
