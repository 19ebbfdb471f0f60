"""The client process of a benchmark: places orders or watches them, and prints a Result as JSON.

It reads its Target from standard input as JSON, so that the token shows in no process list.
"""

import argparse
import asyncio
import gc
import itertools
import math
import statistics
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from typing import Any

import orjson
import uvloop

from benchmarks import machine
from benchmarks.wire import HttpConnection, HttpFailed, SubscriberSocket, subscribe

WARM_UP_SECONDS = 1.0
# A subscriber that joins during an order misses some of its updates: settle with the next one.
SETTLING_SECONDS = 10.0
SETTLING_ORDERS = 5
STALLED_SECONDS = 60.0
CONNECTING_AT_ONCE = 50

FIELDS = (
    "id clientOrderId symbol side type status amount filled averagePrice cost createdAt updatedAt"
)
PLACE = f"""
mutation Place($input: PlaceOrderInput!) {{
  placeOrder(input: $input) {{
    __typename
    ... on PlaceOrderSuccess {{ order {{ {FIELDS} }} }}
    ... on Refusal {{ code message }}
  }}
}}
"""
SEEN_FIELDS = "id clientOrderId symbol side type status amount filled averagePrice updatedAt"
UPDATES = f"subscription Updates {{ orderUpdates {{ cursor kind order {{ {SEEN_FIELDS} }} }} }}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Target:
    """The server under load."""

    port: int
    pid: int
    token: str
    updates_per_order: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Result:
    """The numbers of one round; `rate` is orders or deliveries per second."""

    rate: float
    p50_ms: float
    p99_ms: float
    last_ms: float
    server_us: float
    server_share: float
    client_share: float
    count: int
    errors: list[str]


@dataclass
class Meter:
    """Measures latencies, and CPU time of the clients and the server, from start to result."""

    target: Target
    latencies: list[int] = field(default_factory=list)
    last: list[int] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def start(self) -> None:
        self.latencies.clear()
        self.last.clear()
        self._server = machine.cpu_seconds(self.target.pid)
        self._client = time.process_time()
        self._at = time.perf_counter()

    def result(self) -> Result:
        elapsed = time.perf_counter() - self._at
        server = machine.cpu_seconds(self.target.pid) - self._server
        count = len(self.latencies)
        return Result(
            rate=count / elapsed,
            p50_ms=_percentile(self.latencies, 50),
            p99_ms=_percentile(self.latencies, 99),
            last_ms=_percentile(self.last, 50),
            server_us=server * 1e6 / max(count, 1),
            server_share=server / elapsed,
            client_share=(time.process_time() - self._client) / elapsed,
            count=count,
            errors=self.errors,
        )


class OrderClient:
    """Places small MARKET orders over one connection, and checks every answer."""

    _numbers = itertools.count(1)
    _run = f"{time.time_ns():x}"

    def __init__(self, http: HttpConnection, target: Target) -> None:
        self._http = http
        self._target = target

    @classmethod
    def new_id(cls) -> str:
        return f"b-{cls._run}-{next(cls._numbers):07d}"

    async def place(self, client_order_id: str) -> None:
        order = {
            "clientOrderId": client_order_id,
            "symbol": "BTC/USDT",
            "side": "BUY",
            "type": "MARKET",
            "amount": "0.001",
        }
        body = orjson.dumps({"query": PLACE, "variables": {"input": order}})
        answer = await self._http.post(body, self._target.token)
        _check_placed(answer, client_order_id)


class Crowd:
    """Subscribers that all receive the updates of the same order, one order at a time."""

    def __init__(self, target: Target, meter: Meter) -> None:
        self._target = target
        self._meter = meter
        self._members: list[_Member] = []
        self._missing = 0
        self._marker = b""
        self._sent_at = 0
        self._is_counting = False
        self._is_delivered = asyncio.Event()

    async def gather(self, size: int) -> None:
        """Connect all subscribers, a few at a time."""
        gate = asyncio.Semaphore(CONNECTING_AT_ONCE)

        async def join() -> None:
            member = _Member(self)
            async with gate, asyncio.timeout(STALLED_SECONDS):
                await member.connect(self._target)
            self._members.append(member)

        async with asyncio.TaskGroup() as tasks:
            for _ in range(size):
                tasks.create_task(join())

    async def settle(self, client: OrderClient) -> None:
        """Place orders until every subscriber has received all updates of one of them."""
        for _ in range(SETTLING_ORDERS):
            with suppress(TimeoutError):
                await self.watch(client, SETTLING_SECONDS)
                break
        else:
            raise TimeoutError(f"{self._missing} deliveries were missing while warming up")
        self._is_counting = True

    async def watch(self, client: OrderClient, patience_seconds: float = STALLED_SECONDS) -> None:
        """Place one order and wait until every subscriber has all of its updates."""
        order_id = OrderClient.new_id()
        self._marker = order_id.encode()
        self._missing = len(self._members) * self._target.updates_per_order
        self._is_delivered.clear()
        for member in self._members:
            member.seen = 0
        self._sent_at = time.perf_counter_ns()
        async with asyncio.timeout(patience_seconds):
            await client.place(order_id)
            await self._is_delivered.wait()

    def take(self, member: "_Member", payload: bytes) -> None:
        if self._marker not in payload or b'"errors"' in payload[:200]:
            if self._is_counting:
                self._meter.errors.append(f"not an update of this order: {payload[:200]!r}")
            return
        elapsed = time.perf_counter_ns() - self._sent_at
        member.seen += 1
        if member.seen > self._target.updates_per_order:
            self._meter.errors.append("an update came once too often")
            return
        self._meter.latencies.append(elapsed)
        if member is self._members[0]:
            self._check(payload)
        self._missing -= 1
        if not self._missing:
            self._meter.last.append(elapsed)
            self._is_delivered.set()

    def _check(self, payload: bytes) -> None:
        """Check all fields, of one member's updates only: more would keep the client too busy."""
        update = orjson.loads(payload)["payload"]["data"]["orderUpdates"]
        if [*update, *update["order"]] != ["cursor", "kind", "order", *SEEN_FIELDS.split()]:
            self._meter.errors.append(f"not the fields that were arguments for: {payload[:300]!r}")

    def close(self) -> None:
        self._meter.errors.extend(member.failure for member in self._members if member.failure)
        for member in self._members:
            member.close()


class _Member:
    """One subscriber of a crowd."""

    def __init__(self, crowd: Crowd) -> None:
        self._crowd = crowd
        self.seen = 0

    async def connect(self, target: Target) -> None:
        loop = asyncio.get_running_loop()
        _, self._socket = await loop.create_connection(
            lambda: SubscriberSocket(target.token, subscribe(UPDATES), self._take),
            "127.0.0.1",
            target.port,
        )
        await self._socket.is_ready

    @property
    def failure(self) -> str | None:
        return self._socket.failure

    def close(self) -> None:
        self._socket.close()

    def _take(self, payload: bytes) -> None:
        self._crowd.take(self, payload)


async def place_orders(target: Target, *, clients: int, seconds: float) -> Result:
    """Keep this many orders in flight for this long."""
    meter = Meter(target)
    connections = [HttpConnection(target.port) for _ in range(clients)]
    traders = [OrderClient(connection, target) for connection in connections]
    await _trade_until(time.perf_counter() + WARM_UP_SECONDS, traders, meter)
    meter.start()
    await _trade_until(time.perf_counter() + seconds, traders, meter)
    result = meter.result()
    for connection in connections:
        connection.close()
    return result


async def fan_out(target: Target, *, clients: int, seconds: float) -> Result:
    """Place orders one by one, each once all subscribers have received the one before."""
    machine.raise_file_limit()
    meter = Meter(target)
    crowd = Crowd(target, meter)
    connection = HttpConnection(target.port)
    try:
        await crowd.gather(clients)
        trader = OrderClient(connection, target)
        await crowd.settle(trader)
        meter.start()
        deadline = time.perf_counter() + seconds
        while time.perf_counter() < deadline:
            await crowd.watch(trader)
        result = meter.result()
        await asyncio.sleep(WARM_UP_SECONDS)  # for duplicates that come late
    finally:
        crowd.close()
        connection.close()
    return result


async def _trade_until(deadline: float, traders: Sequence[OrderClient], meter: Meter) -> None:
    async def trade(trader: OrderClient) -> None:
        while time.perf_counter() < deadline:
            sent_at = time.perf_counter_ns()
            try:
                async with asyncio.timeout(STALLED_SECONDS):
                    await trader.place(OrderClient.new_id())
            except (HttpFailed, ValueError) as error:
                meter.errors.append(str(error))
            meter.latencies.append(time.perf_counter_ns() - sent_at)

    async with asyncio.TaskGroup() as tasks:
        for trader in traders:
            tasks.create_task(trade(trader))


def _check_placed(answer: Any, client_order_id: str) -> None:
    placed = (answer.get("data") or {}).get("placeOrder") or {}
    order = placed.get("order") or {}
    is_whole = list(order) == FIELDS.split() and order["status"] == "FILLED"
    if "errors" in answer or not is_whole or order["clientOrderId"] != client_order_id:
        raise ValueError(f"not a placed order: {orjson.dumps(answer)[:300].decode()}")


def _percentile(nanoseconds: Sequence[int], percent: int) -> float:
    if len(nanoseconds) < 2:
        return nanoseconds[0] / 1e6 if nanoseconds else math.nan
    return statistics.quantiles(nanoseconds, n=100, method="inclusive")[percent - 1] / 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("place", "watch"))
    parser.add_argument("--clients", type=int, required=True)
    parser.add_argument("--seconds", type=float, required=True)
    arguments = parser.parse_args()
    target = Target(**orjson.loads(sys.stdin.buffer.read()))
    gc.disable()
    run = place_orders if arguments.what == "place" else fan_out
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        result = runner.run(run(target, clients=arguments.clients, seconds=arguments.seconds))
    print(orjson.dumps(asdict(result)).decode())


if __name__ == "__main__":
    main()
