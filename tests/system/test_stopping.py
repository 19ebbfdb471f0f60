"""A server that is told to stop finishes what it has begun, and loses nothing that it could not."""

import asyncio
import json
import os
import signal
from contextlib import suppress

import httpx
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.frames import CloseCode
from websockets.typing import Subprotocol

from tests.support.processes.books import (
    assert_log_is_whole,
    assert_no_order_twice,
    differences,
    read_books,
)
from tests.support.processes.clients import ApiClient, Data, api_client, eventually, following
from tests.support.processes.servers import ServerProcess
from tests.system.conftest import MakeServer

pytestmark = pytest.mark.slow

ORDERS = 100
PATIENCE_SECONDS = 30
PROTOCOL = Subprotocol("graphql-transport-ws")
MARKET = {"symbol": "BTC/USDT", "side": "BUY", "type": "MARKET", "amount": "0.001"}
QUICK = {"reconcile_seconds": 1, "not_found_seconds": 2, "exchange_timeout_seconds": 60}
_PLACE = """mutation ($input: PlaceOrderInput!) {
  placeOrder(input: $input) { ... on PlaceOrderSuccess { order { clientOrderId status } } }
}"""
_SETTLED = "{ orders(filter: { statuses: [SUBMITTING, IN_DOUBT] }) { totalCount } }"


async def place_once(server: ServerProcess, http: httpx.AsyncClient, number: int) -> str | None:
    """What became of it; None where no answer came, and it is not asked for again."""
    body = {
        "query": _PLACE,
        "variables": {"input": {**MARKET, "clientOrderId": f"order-{number}"}},
    }
    try:
        answer = await http.post(server.url, json=body)
    except httpx.TransportError:
        return None
    return str(answer.json()["data"]["placeOrder"]["order"]["status"])


async def place_on_socket(server: ServerProcess, number: int) -> tuple[str | None, int | None]:
    """What became of it, and how the socket ended."""
    async with connect(server.socket_url, subprotocols=[PROTOCOL]) as socket:
        await say(
            socket, type="connection_init", payload={"Authorization": f"Bearer {server.token}"}
        )
        await socket.recv()
        wanted = {**MARKET, "clientOrderId": f"order-{number}"}
        payload = {"query": _PLACE, "variables": {"input": wanted}}
        await say(socket, type="subscribe", id="1", payload=payload)
        status = None
        with suppress(ConnectionClosed):
            answer = json.loads(await socket.recv())["payload"]["data"]
            status = str(answer["placeOrder"]["order"]["status"])
            await socket.wait_closed()
        return status, socket.close_code


async def say(socket: ClientConnection, **message: object) -> None:
    await socket.send(json.dumps(message))


async def stopped_at_work(
    server: ServerProcess, *signals: signal.Signals
) -> tuple[list[str | None], tuple[str | None, int | None]]:
    """The answers, and that on a socket, to orders that were under way when it was told to stop."""
    headers = {"Authorization": f"Bearer {server.token}"}
    limits = httpx.Limits(max_connections=None)
    async with (
        httpx.AsyncClient(
            trust_env=False, limits=limits, headers=headers, timeout=PATIENCE_SECONDS
        ) as http,
        asyncio.TaskGroup() as tasks,
        following(server, None) as subscriber,
    ):
        placing = [tasks.create_task(place_once(server, http, each)) for each in range(ORDERS)]
        on_socket = tasks.create_task(place_on_socket(server, ORDERS))
        await subscriber.until(lambda: len(subscriber.updates) > ORDERS)
        assert not any(task.done() for task in (*placing, on_socket))
        for number in signals:
            os.kill(server.pid, number)
        answers = list(await asyncio.gather(*placing))
    await server.died()
    return answers, await on_socket


async def test_what_is_under_way_is_answered_first(
    make_server: MakeServer, sqlite_url: str
) -> None:
    server = make_server(sqlite_url, **QUICK)
    server.faults = {"delay_after_seconds": 2}
    await server.start()
    answers, on_socket = await stopped_at_work(server, signal.SIGTERM)
    assert answers == ["FILLED"] * ORDERS
    assert on_socket == ("FILLED", CloseCode.GOING_AWAY)
    _assert_lines_are_objects(server)
    books = await read_books(sqlite_url)
    assert [row["status"] for row in books.orders] == ["FILLED"] * (ORDERS + 1)
    assert differences(books) == []


async def test_a_second_signal_ends_it_at_once_and_the_next_start_settles_what_was_open(
    make_server: MakeServer, sqlite_url: str
) -> None:
    server = make_server(sqlite_url, **QUICK)
    server.faults = {"delay_after_seconds": PATIENCE_SECONDS}
    await server.start()
    answers, on_socket = await stopped_at_work(server, signal.SIGTERM, signal.SIGINT)
    assert answers == [None] * ORDERS
    assert on_socket == (None, CloseCode.ABNORMAL_CLOSURE)
    server.faults = {}
    await server.start()
    async with api_client(server) as api:
        await eventually(lambda: _unsettled(api), lambda found: found["totalCount"] == 0)
    books = await read_books(sqlite_url)
    assert len(books.orders) == ORDERS + 1
    assert differences(books) == []
    assert_no_order_twice(books)
    assert_log_is_whole(books)


async def _unsettled(api: ApiClient) -> Data:
    found: Data = (await api.ask(_SETTLED))["orders"]
    return found


def _assert_lines_are_objects(server: ServerProcess) -> None:
    """Whatever it has to say besides its banner."""
    lines = [line for line in server.output if line not in server.banner]
    assert all("event" in json.loads(line) for line in lines), lines
