"""How long orderdeck takes to start, and its memory: at ready, and after orders and subscribers."""

import asyncio
import statistics
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import uvloop

from benchmarks import machine
from benchmarks.load import Crowd, Meter, OrderClient, Target
from benchmarks.servers import PRODUCT, Server, empty_database, running
from benchmarks.wire import HOST, HttpConnection

NAME = "memory"
STARTS = 5
ORDERS = 10_000
ORDERS_AT_ONCE = 16
# Placed one by one while all subscribers watch.
WATCHED_ORDERS = 3
# After the last subscriber has gone: every ten seconds the server gives free memory back.
PAUSE_SECONDS = 15.0
READY_POLL_SECONDS = 0.01
# A loop that is late while a thousand sockets open says nothing about memory.
STOPS = ("loop.stopped", "readiness.lost")


@dataclass(frozen=True, kw_only=True, slots=True)
class Start:
    """One start on an empty, migrated database."""

    seconds: float
    cpu_seconds: float
    megabytes: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Memory:
    """The starts, and the memory of one server at ready and after each round of the same load."""

    starts: Sequence[Start]
    at_ready: float
    after: Sequence[float]
    subscribers: int
    errors: Sequence[str]


def measure(rounds: int, subscribers: int, orders: int = ORDERS) -> Memory:
    with tempfile.TemporaryDirectory(prefix="orderdeck-memory-") as folder:
        database = empty_database(Path(folder, "empty"))
        starts = [_start(database) for _ in range(STARTS)]
        with running(PRODUCT, database, allowed=STOPS) as server:
            _await_readiness(server)
            at_ready = machine.megabytes(server.pid)
            after, errors = [], list[str]()
            for _ in range(rounds):
                with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                    errors += runner.run(_load(server, orders, subscribers))
                time.sleep(PAUSE_SECONDS)
                after.append(machine.megabytes(server.pid))
    return Memory(
        starts=starts, at_ready=at_ready, after=after, subscribers=subscribers, errors=errors
    )


def print_table(found: Memory, orders: int = ORDERS) -> None:
    print(f"\nfrom start to ready, on an empty database: median and each of {len(found.starts)}")
    for words, values, form in (
        ("seconds", [each.seconds for each in found.starts], ".2f"),
        ("CPU seconds", [each.cpu_seconds for each in found.starts], ".2f"),
        ("MB at ready", [each.megabytes for each in found.starts], ".1f"),
    ):
        each = "  ".join(f"{value:{form}}" for value in values)
        print(f"  {words:12} {statistics.median(values):{form}}    {each}")
    print(f"\nmemory of one server, {found.at_ready:.1f} MB at ready, after each further")
    print(f"{orders:,} orders, and {found.subscribers:,} subscribers that have come and gone")
    for number, megabytes in enumerate(found.after, 1):
        more = megabytes - found.at_ready
        print(f"  round {number}: {megabytes:6.1f} MB, {more:5.1f} MB more than at ready")


def _start(database: Path) -> Start:
    began = time.perf_counter()
    with running(PRODUCT, database, allowed=STOPS) as server:
        _await_readiness(server)
        return Start(
            seconds=time.perf_counter() - began,
            cpu_seconds=machine.cpu_seconds(server.pid),
            megabytes=machine.megabytes(server.pid),
        )


def _await_readiness(server: Server) -> None:
    address = f"http://{HOST}:{server.port}/readyz"
    while True:
        with urllib.request.urlopen(address) as answer:
            if answer.read() == b"ready":
                return
        time.sleep(READY_POLL_SECONDS)


async def _load(server: Server, orders: int, subscribers: int) -> list[str]:
    """Place orders, then let subscribers come, watch a few more, and go."""
    machine.raise_file_limit()
    target = Target(
        port=server.port,
        pid=server.pid,
        token=server.token,
        updates_per_order=server.updates_per_order,
    )
    meter = Meter(target)
    with _clients(target, ORDERS_AT_ONCE) as clients:
        left = iter(range(orders))

        async def place(client: OrderClient) -> None:
            for _ in left:
                await client.place(OrderClient.new_id())

        async with asyncio.TaskGroup() as tasks:
            for client in clients:
                tasks.create_task(place(client))
        crowd = Crowd(target, meter)
        try:
            await crowd.gather(subscribers)
            await crowd.settle(clients[0])
            for _ in range(WATCHED_ORDERS):
                await crowd.watch(clients[0])
        finally:
            crowd.close()
    return meter.errors


@contextmanager
def _clients(target: Target, count: int) -> Iterator[list[OrderClient]]:
    connections = [HttpConnection(target.port) for _ in range(count)]
    try:
        yield [OrderClient(connection, target) for connection in connections]
    finally:
        for connection in connections:
            connection.close()
