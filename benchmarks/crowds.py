"""200 clients that ask for the same at once, at every root field, and 1,000 that read positions.

Two bystanders with tokens of their own do one small thing after another meanwhile.
"""

import asyncio
import os
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks import machine
from benchmarks.servers import ServerFailed
from tests.support import postgres
from tests.support.api.documents import every_root_field
from tests.support.api.whole_schema import SILENT
from tests.support.processes.crowds import SETTINGS, Crowd
from tests.support.processes.servers import ServerProcess, launch_program

NAME = "crowds"
SIZE = 200
LARGE_SIZE = 1000
LARGE_FIELD = "positions"
PATIENCE_SECONDS = 120
HEADINGS = ("database", "at once", "what", "most s", "bystander most s", "order most s")


@dataclass(frozen=True, kw_only=True, slots=True)
class Wait:
    """How long one crowd and the bystanders waited."""

    field: str
    served: float
    bystander: float
    order: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """The crowds of one kind at one database."""

    database: str
    size: int
    what: str
    waits: Sequence[Wait]


def measure() -> list[Row]:
    machine.raise_file_limit()
    rows: list[Row] = []
    for name, url in _databases():
        rows += asyncio.run(_measure(name, url))
    return rows


def _databases() -> Iterator[tuple[str, str]]:
    with tempfile.TemporaryDirectory(prefix="orderdeck-bench-") as folder:
        yield "SQLite", f"sqlite+aiosqlite:///{folder}/orderdeck.db"
    try:
        with postgres.running() as server:
            yield "PostgreSQL", server.url(server.create())
    except postgres.PostgresMissing as missing:
        print(f"without PostgreSQL: {missing}", file=sys.stderr)


async def _measure(name: str, url: str) -> list[Row]:
    with tempfile.TemporaryDirectory(prefix="orderdeck-bench-") as folder:
        server = ServerProcess(launch_program, Path(folder, "data"), url, **SETTINGS)
        await server.start()
        try:
            with _on_two_cores(server):
                return await _rows(name, server)
        finally:
            await server.end()


@contextmanager
def _on_two_cores(server: ServerProcess) -> Iterator[None]:
    servers, clients = machine.cores()
    machine.pin(server.pid, servers)
    allowed = os.sched_getaffinity(0)
    machine.pin(0, clients)
    try:
        yield
    finally:
        os.sched_setaffinity(0, allowed)


async def _rows(name: str, server: ServerProcess) -> list[Row]:
    rows: list[Row] = []
    async with _crowd(server, SIZE) as crowd:
        for kind in ("query", "subscription", "mutation"):
            fields = [field for operation, field in every_root_field() if operation == kind]
            fields = [field for field in fields if field not in SILENT]
            for way in ("sockets",) if kind == "subscription" else ("HTTP", "sockets"):
                waits = [await _wait(crowd, kind, field, way) for field in fields]
                rows.append(Row(database=name, size=SIZE, what=f"{kind}, {way}", waits=waits))
    async with _crowd(server, LARGE_SIZE) as crowd:
        waits = [await _wait(crowd, "query", LARGE_FIELD, "sockets")]
        rows.append(Row(database=name, size=LARGE_SIZE, what="sockets", waits=waits))
    return rows


@asynccontextmanager
async def _crowd(server: ServerProcess, size: int) -> AsyncIterator[Crowd]:
    async with AsyncExitStack() as stack:
        crowd = Crowd(server, size, stack)
        await crowd.open()
        yield crowd


async def _wait(crowd: Crowd, kind: str, field: str, way: str) -> Wait:
    ask = crowd.ask_over_http if way == "HTTP" else crowd.ask_over_sockets
    async with crowd.bystanders() as (small, order):
        began = time.perf_counter()
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                answers = await ask(kind, field)
        except TimeoutError:
            raise ServerFailed(f"{NAME}: not all were answered for {field}") from None
        served = time.perf_counter() - began
    refused = [answer["errors"] for answer in answers if "errors" in answer]
    if refused:
        raise ServerFailed(f"{NAME}: {len(refused)} were refused {field}: {refused[0]}")
    return Wait(field=field, served=served, bystander=small.longest, order=order.longest)


def print_table(rows: Sequence[Row]) -> None:
    print("\nmany at once; the longest wait of the crowd, a bystander and an order, and for what")
    table = [list(HEADINGS)]
    for row in rows:
        cells = [row.database, f"{row.size:,}", row.what]
        for measure in ("served", "bystander", "order"):
            most = max(row.waits, key=lambda wait: getattr(wait, measure))
            cells.append(f"{getattr(most, measure):.2f} {most.field}")
        table.append(cells)
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    for cells in table:
        print("  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)))
