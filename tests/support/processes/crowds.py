"""A crowd that asks one server for the same at once, and bystanders with tokens of their own."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, cast

import httpx
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

from tests.support.api.clients import SUBPROTOCOL, Client
from tests.support.api.documents import calling
from tests.support.api.servers import LOOPBACK, Address
from tests.support.api.whole_schema import GIVEN, filled_in, prepared
from tests.support.processes.servers import ServerProcess

# Budgets are not what is tested here.
SETTINGS = {
    "accounts__paper__paper__balances__USDT": 1_000_000_000,
    "orders_per_second": 1_000_000,
    "cost_per_second": 1_000_000_000,
}
# How deep the answers go: lists, and the items in them with their own values.
DEPTH = 1
SMALL = "{ viewer { name } orders(first: 1) { totalCount } }"
PLACE = """mutation { placeOrder(input: {symbol: "BTC/USDT", side: BUY, type: MARKET,
  amount: "0.001"}) { __typename } }"""
MAKE_TOKEN = """mutation ($name: String!, $scope: Scope!) {
  createToken(input: {name: $name, scopes: [$scope]}) { ... on CreateTokenSuccess { secret } }
}"""


class RawConnection:
    """One HTTP connection that costs its client next to nothing."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, token: str
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._token = token

    async def post(self, document: str, variables: Mapping[str, object]) -> dict[str, Any]:
        body = json.dumps({"query": document, "variables": variables}).encode()
        self._writer.write(
            b"POST /graphql HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            b"Authorization: Bearer %b\r\nContent-Length: %d\r\n\r\n%b"
            % (self._token.encode(), len(body), body)
        )
        head = (await self._reader.readuntil(b"\r\n\r\n")).lower()
        length = next(
            int(line.split(b":")[1]) for line in head.split(b"\r\n") if b"content-length" in line
        )
        return cast("dict[str, Any]", json.loads(await self._reader.readexactly(length)))

    def close(self) -> None:
        self._writer.close()


@asynccontextmanager
async def connected(server: ServerProcess, token: str) -> AsyncIterator[RawConnection]:
    connection = RawConnection(*await asyncio.open_connection(LOOPBACK, server.port), token)
    try:
        yield connection
    finally:
        connection.close()


class Bystander:
    """Does one small thing after another, and remembers the longest wait."""

    def __init__(self, connection: RawConnection, document: str) -> None:
        self._connection = connection
        self._document = document
        self.longest = 0.0

    async def run(self) -> None:
        while True:
            began = time.perf_counter()
            answer = await self._connection.post(self._document, {})
            assert "errors" not in answer, answer
            self.longest = max(self.longest, time.perf_counter() - began)
            await asyncio.sleep(0.02)


class Crowd:
    """Many clients with one token, and two bystanders with tokens of their own."""

    def __init__(self, server: ServerProcess, size: int, stack: AsyncExitStack) -> None:
        self.server = server
        self._size = size
        self._stack = stack
        self._sockets: list[ClientConnection] = []
        self._tokens: dict[str, str] = {}
        self.known: dict[str, Any] = {}
        self.client: Client

    async def open(self) -> None:
        http = await self._stack.enter_async_context(httpx.AsyncClient(timeout=30))
        self.client = Client(http, Address(port=self.server.port), self.server.token)
        self.known = await prepared(self.client)
        for name, scope in (("reader", "READ"), ("trader", "TRADE")):
            made = await self.client.ask(MAKE_TOKEN, name=name, scope=scope)
            self._tokens[name] = made["createToken"]["secret"]
        self._sockets = [await self._socket() for _ in range(self._size)]

    async def _socket(self) -> ClientConnection:
        socket = await self._stack.enter_async_context(
            connect(self.server.socket_url, subprotocols=[Subprotocol(SUBPROTOCOL)], max_size=None)
        )
        hello = {"Authorization": f"Bearer {self.server.token}"}
        await socket.send(json.dumps({"type": "connection_init", "payload": hello}))
        assert json.loads(await socket.recv())["type"] == "connection_ack"
        return socket

    def variables(self, name: str) -> dict[str, Any]:
        return {key: filled_in(value, self.known) for key, value in GIVEN[name].items()}

    async def ask_over_http(self, operation: str, name: str) -> list[dict[str, Any]]:
        document, variables = calling(operation, name, depth=DEPTH), self.variables(name)
        async with AsyncExitStack() as stack:
            opened = [connected(self.server, self.server.token) for _ in range(self._size)]
            crowd = [await stack.enter_async_context(one) for one in opened]
            return await asyncio.gather(*(one.post(document, variables) for one in crowd))

    async def ask_over_sockets(self, operation: str, name: str) -> list[dict[str, Any]]:
        query = {"query": calling(operation, name, depth=DEPTH), "variables": self.variables(name)}
        asked = json.dumps({"type": "subscribe", "id": name, "payload": query})
        ended = json.dumps({"type": "complete", "id": name})

        async def ask(socket: ClientConnection) -> dict[str, Any]:
            await socket.send(asked)
            answer = await _next(socket, name)
            if operation == "subscription":
                await socket.send(ended)
            return answer

        return await asyncio.gather(*(ask(socket) for socket in self._sockets))

    @asynccontextmanager
    async def bystanders(self) -> AsyncIterator[tuple[Bystander, Bystander]]:
        async with (
            connected(self.server, self._tokens["reader"]) as reading,
            connected(self.server, self._tokens["trader"]) as trading,
            asyncio.TaskGroup() as tasks,
        ):
            both = Bystander(reading, SMALL), Bystander(trading, PLACE)
            running = [tasks.create_task(one.run()) for one in both]
            yield both
            for task in running:
                task.cancel()


async def _next(socket: ClientConnection, id: str) -> dict[str, Any]:
    async for text in socket:
        message = json.loads(text)
        if message.get("id") == id and message["type"] in {"next", "error"}:
            payload = message["payload"]
            return {"errors": payload} if message["type"] == "error" else payload
    raise AssertionError("the server closed the socket")
