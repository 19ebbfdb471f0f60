"""The server dies at any moment while everything goes wrong between it and a real exchange."""

import asyncio
import os
import random
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest

from app.clocks import SystemClock
from app.domain.orders.order import OrderUpdateKind
from tests.support.processes.books import (
    Books,
    assert_log_is_whole,
    assert_no_order_twice,
    read_books,
)
from tests.support.processes.clients import (
    ApiClient,
    Data,
    Subscriber,
    api_client,
    eventually,
    following,
)
from tests.support.processes.kills import Acknowledged, assert_as_acknowledged, kill_at_random
from tests.support.processes.markets import Market
from tests.support.processes.servers import ServerProcess
from tests.support.processes.storms import Storm
from tests.support.processes.traders import VenueTrader
from tests.support.processes.venues import differences, settings_at
from tests.support.venues.engine.accounts import Account
from tests.support.venues.every_venue import VENUES
from tests.support.venues.serving.local_venue import LocalVenue
from tests.support.venues.serving.running import running
from tests.system.conftest import MakeServer

pytestmark = pytest.mark.slow

IS_SOAK = bool(os.environ.get("ORDERDECK_TEST_SOAK"))
SEED = 1
CLIENTS = 8
KILLS = 50 if IS_SOAK else 4
ORDERS = 1_000 if IS_SOAK else 100
LONGEST_LIFE_SECONDS = 4.0 if IS_SOAK else 2.5
SETTLING_SECONDS = 120
TRADING_SECONDS = 600 if IS_SOAK else 180


@dataclass(frozen=True, kw_only=True)
class World:
    """An exchange, what goes wrong on the way there, and a server that trades on it."""

    venue: LocalVenue
    account: Account
    market: Market
    storm: Storm
    server: ServerProcess

    async def differences(self) -> list[str]:
        books = await read_books(self.server.database_url)
        return differences(books, self.venue, self.account)

    async def until_in_step(self) -> None:
        async def look() -> Data:
            return {"differences": await self.differences()}

        await eventually(look, lambda seen: not seen["differences"], seconds=SETTLING_SECONDS)


@asynccontextmanager
async def opened_world(
    exchange: str, make_server: MakeServer, database_url: str
) -> AsyncIterator[World]:
    clock, chance = SystemClock(), random.Random(SEED)
    async with running(VENUES[exchange](clock)) as venue:
        # Each order asks for the balances, and they weigh much.
        venue.lift_limits()
        account = venue.open_account("main", USDT=10_000_000, BTC=100, ETH=2_000)
        market = Market(venue, account, chance)
        yield World(
            venue=venue,
            account=account,
            market=market,
            storm=Storm(venue, clock, chance, market.fill_some_order),
            server=make_server(database_url, **settings_at(venue, account)),
        )


@pytest.mark.parametrize("exchange", VENUES)
async def test_no_kill_and_no_fault_of_the_exchange_loses_or_doubles_anything(
    exchange: str, make_ccxt_server: MakeServer, sqlite_url: str
) -> None:
    told = Acknowledged()
    async with opened_world(exchange, make_ccxt_server, sqlite_url) as world:
        server = world.server
        await server.start()
        async with api_client(server) as api, following(server, await _as_of(api)) as subscriber:
            await _trade_in_the_storm(world, api, told)
            await world.until_in_step()
            await api.cancel_all()
            await world.until_in_step()
            await subscriber.until_at(await _as_of(api))
            await server.stop()
        books = await read_books(sqlite_url)
        assert_nothing_is_lost(world, books, told, subscriber)
        assert_much_has_happened(world, books, subscriber)


async def _trade_in_the_storm(world: World, api: ApiClient, told: Acknowledged) -> None:
    enough = asyncio.Event()

    async def count() -> Data:
        arrived = [one for one in told.orders.values() if one[-1]["status"] != "REJECTED"]
        return {"orders": len(arrived)}

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(world.market.run(enough))
        tasks.create_task(world.storm.rage(enough))
        for number in range(CLIENTS):
            trader = VenueTrader(api, world.market, f"client-{number}", told)
            tasks.create_task(trader.trade(enough))
        chance = random.Random(SEED)
        await kill_at_random(world.server, KILLS, chance, longest_life_seconds=LONGEST_LIFE_SECONDS)
        await eventually(count, lambda seen: seen["orders"] >= ORDERS, seconds=TRADING_SECONDS)
        enough.set()


def assert_nothing_is_lost(
    world: World, books: Books, told: Acknowledged, subscriber: Subscriber
) -> None:
    assert differences(books, world.venue, world.account) == []
    world.venue.journal.assert_nothing_was_sent_twice()
    world.venue.assert_books_balance()
    assert_no_order_twice(books)
    assert_log_is_whole(books)
    assert subscriber.cursors == books.cursors
    assert_as_acknowledged(books, told)


def assert_much_has_happened(world: World, books: Books, subscriber: Subscriber) -> None:
    """Of a quiet day, all of the above would say little."""
    kinds = Counter(logged.event.kind for logged in books.log)
    assert {OrderUpdateKind.IN_DOUBT, OrderUpdateKind.RESOLVED, OrderUpdateKind.IMPORTED} <= {
        *kinds
    }
    assert kinds[OrderUpdateKind.FILL] > kinds[OrderUpdateKind.SUBMITTED] // 4
    assert any(0 < row["filled"] < row["amount"] for row in books.orders)
    assert len(world.venue.orders(world.account)) > ORDERS // 2
    assert subscriber.connections > KILLS // 2
    share = len(world.storm.struck) / len(world.storm.troubles)
    assert share > (0.8 if IS_SOAK else 0.2)


async def _as_of(api: ApiClient) -> str:
    as_of: str = (await api.open_orders())["asOf"]
    return as_of
