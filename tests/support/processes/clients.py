"""Robust clients for servers that die: requests are retried, subscriptions are resumed."""

import asyncio
import json
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any, cast

import httpx
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake

from tests.support.processes.servers import ServerProcess

Data = dict[str, Any]
PATIENCE_SECONDS = 60
PAUSE_SECONDS = 0.05

_ORDER = "id clientOrderId exchangeOrderId symbol status amount filled cost revision"
_PLACED = f"""
    __typename
    ... on PlaceOrderSuccess {{ replayed order {{ {_ORDER} }} }}
    ... on Refusal {{ code message retryable existingOrder {{ {_ORDER} }} }}
"""
_PLACE = f"""
mutation Place($input: PlaceOrderInput!) {{ placeOrder(input: $input) {{ {_PLACED} }} }}
"""
_PLACE_MANY = f"""
mutation PlaceMany($inputs: [PlaceOrderInput!]!) {{ placeOrders(inputs: $inputs) {{ {_PLACED} }} }}
"""
_CANCEL = f"""
mutation Cancel($id: ID!) {{
  cancelOrder(input: {{ id: $id }}) {{
    __typename
    ... on OrderSuccess {{ order {{ {_ORDER} }} }}
    ... on Refusal {{ code message existingOrder {{ {_ORDER} }} }}
  }}
}}
"""
_SET_METADATA = """m{0}: setOrderMetadata(id: $id, metadata: $m{0}) {{
  __typename ... on OrderSuccess {{ order {{ revision }} }}
}}"""
_CANCEL_ALL = "mutation { cancelAllOrders { canceled { id } failed { code message } } }"
_READ = f"""
query Read($id: ID!) {{
  order(id: $id) {{
    {_ORDER}
    refusal {{ code }}
    fills {{ nodes {{ exchangeTradeId price amount }} }}
    history {{ nodes {{ kind cursor }} }}
  }}
}}
"""
_OPEN = "{ orders(filter: { open: true }, first: 500) { asOf totalCount nodes { status } } }"
_TICKER = "query Ticker($symbol: String!) { ticker(symbol: $symbol) { bid ask } }"
_UPDATES = """
subscription Updates($after: Cursor) {
  orderUpdates(after: $after) {
    cursor kind
    order { id clientOrderId status revision filled metadata }
    fill { exchangeTradeId }
  }
}
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """The result of placing an order: the order, or the refusal."""

    order: Data | None
    is_replayed: bool | None
    refusal: str | None

    @classmethod
    def of(cls, result: Data) -> "Answer":
        if result["__typename"] == "PlaceOrderSuccess":
            return cls(order=result["order"], is_replayed=result["replayed"], refusal=None)
        return cls(order=result["existingOrder"], is_replayed=None, refusal=result["code"])

    @property
    def id(self) -> str:
        assert self.order is not None, self.refusal
        return cast("str", self.order["id"])


class ApiClient:
    """GraphQL over HTTP; a request without an answer is repeated unchanged."""

    def __init__(self, http: httpx.AsyncClient, server: ServerProcess) -> None:
        self._http = http
        self._url = server.url
        self._headers = {"Authorization": f"Bearer {server.token}"}
        self.retries = 0

    async def ask(self, document: str, **variables: object) -> Data:
        body = {"query": document, "variables": variables}
        async with asyncio.timeout(PATIENCE_SECONDS):
            answer = await self._post(body)
        assert answer.status_code == httpx.codes.OK, answer.text
        response = answer.json()
        assert "errors" not in response, response["errors"]
        return cast("Data", response["data"])

    async def place(self, **wanted: object) -> Answer:
        return Answer.of((await self.ask(_PLACE, input=wanted))["placeOrder"])

    async def place_many(self, wanted: Sequence[Mapping[str, object]]) -> list[Answer]:
        results = (await self.ask(_PLACE_MANY, inputs=wanted))["placeOrders"]
        return [Answer.of(result) for result in results]

    async def cancel(self, order_id: str) -> Data:
        return cast("Data", (await self.ask(_CANCEL, id=order_id))["cancelOrder"])

    async def cancel_all(self) -> Data:
        return cast("Data", (await self.ask(_CANCEL_ALL))["cancelAllOrders"])

    async def set_metadata(self, order_id: str, values: Sequence[Data]) -> list[Data]:
        """Set these values one after the other, in one request."""
        names = [f"m{number}" for number in range(len(values))]
        declared = " ".join(f"${name}: JSON!" for name in names)
        fields = " ".join(_SET_METADATA.format(number) for number in range(len(values)))
        document = f"mutation Note($id: ID! {declared}) {{ {fields} }}"
        data = await self.ask(document, id=order_id, **dict(zip(names, values, strict=True)))
        return [data[name] for name in names]

    async def read(self, order_id: str) -> Data:
        return cast("Data", (await self.ask(_READ, id=order_id))["order"])

    async def open_orders(self) -> Data:
        """The open orders, with the cursor of the log that they are from."""
        return cast("Data", (await self.ask(_OPEN))["orders"])

    async def ticker(self, symbol: str) -> Data:
        return cast("Data", (await self.ask(_TICKER, symbol=symbol))["ticker"])

    async def until_settled(self, order_id: str) -> Data:
        """Wait for the exchange's answer about an order, and return the order."""
        return await eventually(
            lambda: self.read(order_id),
            lambda order: order["status"] not in {"SUBMITTING", "IN_DOUBT"},
        )

    async def _post(self, body: Data) -> httpx.Response:
        while True:
            try:
                return await self._http.post(self._url, json=body, headers=self._headers)
            except httpx.TransportError:
                self.retries += 1
                await asyncio.sleep(PAUSE_SECONDS)


@asynccontextmanager
async def api_client(server: ServerProcess) -> AsyncIterator[ApiClient]:
    limits = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(trust_env=False, limits=limits, timeout=PATIENCE_SECONDS) as http:
        yield ApiClient(http, server)


@dataclass(kw_only=True, slots=True)
class Pace:
    """How fast a subscriber reads: at once by default, or slowly, or with small buffers."""

    seconds_each: float = 0
    # The size of the receive buffer, with almost no queue in this process; None: the defaults.
    buffer_bytes: int | None = None

    async def turn(self) -> None:
        if self.seconds_each:
            with suppress(TimeoutError):
                await asyncio.wait_for(asyncio.Event().wait(), self.seconds_each)


class Subscriber:
    """Follows orderUpdates through all restarts, and keeps every update."""

    def __init__(self, server: ServerProcess, after: str | None, pace: Pace) -> None:
        self._url = server.socket_url
        self._token = server.token
        self._pace = pace
        self._grown = asyncio.Event()
        self.is_connected = asyncio.Event()
        self.cursor = after
        self.connections = 0
        self.updates: list[Data] = []

    @property
    def cursors(self) -> list[str]:
        return [update["cursor"] for update in self.updates]

    async def run(self) -> None:
        """Subscribe behind the last cursor, and reconnect forever."""
        while True:
            with suppress(OSError, TimeoutError, EOFError, ConnectionClosed, InvalidHandshake):
                await self._follow()
            self.is_connected.clear()
            await asyncio.sleep(PAUSE_SECONDS)

    async def until(self, is_enough: Callable[[], bool]) -> None:
        """Wait until the condition holds, checking it after every update."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not is_enough():
                self._grown.clear()
                await self._grown.wait()

    async def until_at(self, cursor: str) -> None:
        await self.until(lambda: self.cursor == cursor)

    async def _follow(self) -> None:
        async with self._connected() as connection:
            await _say(connection, type="connection_init", payload={"Authorization": self._bearer})
            assert (await _hear(connection))["type"] == "connection_ack"
            variables = {"after": self.cursor}
            payload = {"query": _UPDATES, "variables": variables}
            await _say(connection, type="subscribe", id="1", payload=payload)
            self.connections += 1
            self.is_connected.set()
            while True:
                await self._pace.turn()
                self._take(await _hear(connection))

    def _take(self, message: Data) -> None:
        assert message["type"] == "next", message
        update = message["payload"]["data"]["orderUpdates"]
        self.updates.append(update)
        self.cursor = update["cursor"]
        self._grown.set()

    @property
    def _bearer(self) -> str:
        return f"Bearer {self._token}"

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[ClientConnection]:
        options: Data = {}
        if self._pace.buffer_bytes is not None:
            options = {"max_queue": 1, "sock": await self._narrow_socket(self._pace.buffer_bytes)}
        async with connect(
            self._url,
            subprotocols=[cast("Any", "graphql-transport-ws")],
            proxy=None,
            ping_interval=None,
            close_timeout=1,
            **options,
        ) as connection:
            yield connection

    async def _narrow_socket(self, buffer_bytes: int) -> socket.socket:
        """A connected socket with a small receive buffer."""
        address = self._url.removeprefix("ws://").split("/")[0].split(":")
        narrow = socket.socket()
        narrow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer_bytes)
        narrow.setblocking(False)
        await asyncio.get_running_loop().sock_connect(narrow, (address[0], int(address[1])))
        return narrow


@asynccontextmanager
async def following(
    server: ServerProcess, after: str | None, pace: Pace | None = None
) -> AsyncIterator[Subscriber]:
    subscriber = Subscriber(server, after, pace or Pace())
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(subscriber.run())
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                await subscriber.is_connected.wait()
            yield subscriber
        finally:
            running.cancel()


async def eventually(
    look: Callable[[], Awaitable[Data]],
    is_enough: Callable[[Data], bool],
    *,
    seconds: float = PATIENCE_SECONDS,
) -> Data:
    """Poll until the condition holds, where there is no event to wait for."""
    deadline = time.monotonic() + seconds
    while not is_enough(seen := await look()):
        assert time.monotonic() < deadline, f"after {seconds} s it is still so: {seen}"
        await asyncio.sleep(PAUSE_SECONDS)
    return seen


async def _say(connection: ClientConnection, **message: object) -> None:
    await connection.send(json.dumps(message))


async def _hear(connection: ClientConnection) -> Data:
    return cast("Data", json.loads(await connection.recv()))
