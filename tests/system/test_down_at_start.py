"""An exchange that is not there when the server starts holds up nothing, and may come later."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import cast

import pytest

from app.clocks import SystemClock
from tests.support.processes.clients import ApiClient, Data, api_client, eventually
from tests.support.processes.servers import ServerProcess, free_port
from tests.support.processes.venues import settings_at
from tests.support.venues.binance.running import running_venue
from tests.support.venues.engine.accounts import Account
from tests.system.conftest import MakeServer

pytestmark = pytest.mark.slow

# Longer than a server may take to start: one that waited for its exchange would be too late.
SILENCE_SECONDS = 60
BEFORE = {"clientOrderId": "before", "symbol": "BTC/USDT", "amount": "0.01"}
# In another market, as the exchange that comes back counts from the beginning.
AFTER = {"clientOrderId": "after", "symbol": "ETH/USDT", "amount": "0.1"}
_ACCOUNTS = "{ accounts { connectivity connectivityDetail lastReconciledAt } }"
_ORDERS = "{ orders { nodes { clientOrderId status filled } } }"

Down = Callable[[int], AbstractAsyncContextManager[None]]


@asynccontextmanager
async def nobody_there(_: int) -> AsyncIterator[None]:
    """Every connection is refused."""
    yield


@asynccontextmanager
async def nobody_answering(port: int) -> AsyncIterator[None]:
    """Every connection is taken, and that is all."""
    taken: list[asyncio.StreamWriter] = []

    async def take(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        taken.append(writer)

    async with await asyncio.start_server(take, "127.0.0.1", port):
        yield
        for writer in taken:
            writer.transport.abort()


@asynccontextmanager
async def exchange_at(port: int) -> AsyncIterator[dict[str, object]]:
    """The settings of an account there."""
    async with running_venue(SystemClock(), port=port) as venue:
        account: Account = venue.open_account("main", USDT=100_000, BTC=2)
        yield settings_at(venue, account)


@pytest.mark.parametrize(
    ("down", "connectivity"), [(nobody_there, "DISCONNECTED"), (nobody_answering, "CONNECTING")]
)
async def test_a_server_starts_without_its_exchange_and_trades_when_that_comes(
    make_ccxt_server: MakeServer, sqlite_url: str, down: Down, connectivity: str
) -> None:
    port = free_port()
    async with exchange_at(port) as settings:
        first = make_ccxt_server(sqlite_url, **settings)
        await first.start()
        async with api_client(first) as api:
            await _until_filled(api, BEFORE)
        await first.stop()
    patient = {**settings, "exchange_timeout_seconds": SILENCE_SECONDS}
    server = make_ccxt_server(sqlite_url, **patient)
    async with down(port):
        await server.start()
        await _assert_waiting(server, connectivity)
    async with exchange_at(port), api_client(server) as api:
        await _until_account(api, "CONNECTED")
        await _until_filled(api, AFTER)
        await server.stop()


async def _assert_waiting(server: ServerProcess, connectivity: str) -> None:
    """What is stored is served, with its age, and no order is taken."""
    async with api_client(server) as api:
        account = await _until_account(api, connectivity)
        assert (account["connectivityDetail"] is not None) is (connectivity == "DISCONNECTED")
        assert account["lastReconciledAt"] is not None
        assert (await api.place(**_market(AFTER))).refusal == "EXCHANGE_UNAVAILABLE"
        assert (await api.ask(_ORDERS))["orders"]["nodes"] == [
            {"clientOrderId": "before", "status": "FILLED", "filled": "0.01"}
        ]


async def _until_account(api: ApiClient, connectivity: str) -> Data:
    async def look() -> Data:
        [account] = (await api.ask(_ACCOUNTS))["accounts"]
        return cast("Data", account)

    return await eventually(look, lambda account: account["connectivity"] == connectivity)


async def _until_filled(api: ApiClient, wanted: Data) -> None:
    """Nothing is taken before the account was compared; asking again is safe."""

    async def look() -> Data:
        return (await api.place(**_market(wanted))).order or {"status": None}

    await eventually(look, lambda order: order["status"] == "FILLED")


def _market(wanted: Data) -> Data:
    return {**wanted, "side": "BUY", "type": "MARKET"}
