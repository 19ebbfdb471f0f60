"""What the server takes of the machine's memory: at ready, and after a crowd has come and gone."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from tests.cli.programs import run
from tests.support.api.clients import connected
from tests.support.api.servers import Address
from tests.support.processes.clients import api_client
from tests.support.processes.servers import ServerProcess, launch_program

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

MEGABYTE = 1_000_000
# It is 110 MB; each further thing that a start imports takes a few.
MOST_AT_READY = 120 * MEGABYTE
ORDERS = 1_000
BATCH = 100
SUBSCRIBERS = 300
ROUNDS = 3
# Of that crowd, some 50 kB for each at its height stay with the process for the next one; another
# 10 MB are what the first orders bring with them: statements, connections, the tail of the log.
MOST_GROWTH = 35 * MEGABYTE
# A second and third crowd find what the first has left. Kept sockets would take 15 MB each time.
MOST_GROWTH_LATER = 8 * MEGABYTE
# The server gives memory back every ten seconds.
PAUSE_SECONDS = 12
BALANCE = {"accounts__paper__paper__balances__USDT": 1_000_000_000}
WATCH = "subscription { orderUpdates { cursor kind order { id status } } }"
WHO = "{ viewer { name } }"


@pytest.fixture
def migrated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder whose database needs no migration, as at every start but the first."""
    monkeypatch.setenv("ORDERDECK_DATA_DIR", str(tmp_path / "data"))
    assert run("migrate").exit_code == 0
    return tmp_path / "data"


@pytest.fixture
async def server(migrated: Path) -> AsyncIterator[ServerProcess]:
    """Started as users do."""
    url = f"sqlite+aiosqlite:///{migrated / 'orderdeck.db'}"
    server = ServerProcess(launch_program, migrated, url, **BALANCE)
    await server.start()
    yield server
    await server.end()


async def crowd(server: ServerProcess) -> None:
    """Subscribers that come, hear of orders, and go."""
    async with AsyncExitStack() as stack:
        sockets = [
            await stack.enter_async_context(connected(Address(port=server.port)))
            for _ in range(SUBSCRIBERS)
        ]
        for socket in sockets:
            await socket.init(server.token)
            await socket.subscribe("live", WATCH)
            await socket.subscribe("once", WHO)
            await socket.hear_data("once")
            await socket.hear_complete("once")
        await place(server, 1)
        for socket in sockets:
            await socket.hear_data("live")


async def place(server: ServerProcess, orders: int) -> None:
    async with api_client(server) as api:
        for first in range(0, orders, BATCH):
            inputs = [
                {"symbol": "BTC/USDT", "side": "BUY", "type": "MARKET", "amount": "0.001"}
                for _ in range(first, min(first + BATCH, orders))
            ]
            await api.place_many(inputs)


async def test_a_server_that_is_ready_takes_little(server: ServerProcess) -> None:
    assert server.rss_bytes() < MOST_AT_READY


async def test_orders_and_subscribers_that_have_gone_leave_little(server: ServerProcess) -> None:
    at_ready = server.rss_bytes()
    after = []
    for _ in range(ROUNDS):
        await place(server, ORDERS)
        await crowd(server)
        await asyncio.sleep(PAUSE_SECONDS)
        after.append(server.rss_bytes() - at_ready)
    assert after[0] < MOST_GROWTH
    assert after[-1] - after[0] < MOST_GROWTH_LATER
