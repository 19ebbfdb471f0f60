"""Trading on a database with years of history: nothing holds the event loop for long."""

import asyncio
import gc
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from app.bus import Bus
from app.domain.order_kinds import PositionType
from app.domain.portfolio.positions import PositionKey
from app.server.collector import collect_rarely
from app.services.operation.loop_watch import LoopStop, LoopWatch
from app.services.orders import position_bookkeeping
from app.services.orders.update_log import OrderLog
from app.storage.database import Database
from tests.api.orders.test_reconcile import reconcile
from tests.api.real.real_trading import Site, Trading, traded
from tests.support.api.clients import Data
from tests.support.api.documents import everything
from tests.support.api.trading import WAITING, answer, place
from tests.support.clock import ManualClock
from tests.support.venues.binance.running import running_venue
from tests.support.venues.engine.accounts import Commission

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

ACCOUNTS = ("paper", "main")
ORDERS = 25
# The whole history is 180 days.
RETENTION = timedelta(days=178)
LIMITS = """mutation { configureRisk(input: {
  maxOrdersPerMinute: 10000, maxOpenOrders: 10000, maxOpenNotional: "100000000"
}) { __typename ... on Refusal { message } } }"""
WINDOW = """mutation { configureTradingWindow(input: {
  enabled: true, maxTradesPerDay: 100000, maxTradesPerHour: 100000, appliesTo: [API, BOT]
}) { __typename ... on Refusal { message } } }"""
READS = (
    f"positions(filter: {{ account: $account }}) {everything('PositionList', depth=2)}",
    f"portfolio(account: $account) {everything('Portfolio', depth=2)}",
    f"risk(account: $account) {everything('Risk', depth=1)}",
    f"orders(first: 100, filter: {{ account: $account }}) {everything('OrderConnection', depth=1)}",
    "orders(first: 100, filter: { open: true, account: $account }) { totalCount nodes { id } }",
    "orders(first: 100) { totalCount nodes { id } }",
    f"fills(first: 100, filter: {{ account: $account }}) {everything('FillConnection', depth=1)}",
    "fills(first: 100) { nodes { id } }",
    "auditLog(first: 50) { nodes { at } }",
)


@asynccontextmanager
async def watched() -> AsyncIterator[list[LoopStop]]:
    stops: list[LoopStop] = []
    watching = asyncio.create_task(LoopWatch(stops.append, pause_seconds=0.005).run())
    try:
        yield stops
    finally:
        await asyncio.sleep(0.1)
        watching.cancel()
        with suppress(asyncio.CancelledError):
            await watching


@pytest.fixture
def collected_as_when_served() -> Iterator[None]:
    """The garbage collector as the server sets it."""
    before = gc.get_threshold()
    gc.collect()
    gc.freeze()
    collect_rarely()
    yield
    gc.set_threshold(*before)


@pytest.fixture
async def trading(
    long_history_url: str, collected_as_when_served: None, tmp_path: Path, clock: ManualClock
) -> AsyncIterator[Trading]:
    async with running_venue(clock) as venue:
        account = venue.open_account("main", USDT=1_000_000, BTC=2, BNB=100)
        account.commission = Commission.BNB
        site = Site(venue=venue, database_url=long_history_url, folder=tmp_path, clock=clock)
        async with traded(site, account, accounts__paper__exchange="paper") as trading:
            await trading.until_in_step()
            yield trading


@pytest.mark.parametrize("long_history_url", ["sqlite", "postgresql"], indirect=True)
async def test_nothing_holds_the_loop_for_long(
    trading: Trading, long_history_url: str, clock: ManualClock
) -> None:
    client = trading.client
    for change in (LIMITS, WINDOW):
        [result] = (await client.ask(change)).values()
        assert "message" not in result, result
    parts: dict[str, Callable[[], Awaitable[object]]] = {
        "orders": lambda: trade(trading),
        "fees": lambda: clock.advance(120),
        "comparisons": lambda: compare(trading),
        "reads": lambda: read(trading),
        "corrections": lambda: correct(long_history_url),
        "pruning": lambda: prune(long_history_url, clock),
    }
    for name, part in parts.items():
        async with watched() as stops:
            await part()
        assert not stops, f"{name}: the loop stood still: {stops}"


async def meanwhile(clock: ManualClock, asked: Coroutine[Any, Any, Data]) -> Data:
    """Let time pass until there is an answer."""
    asking = asyncio.create_task(asked)
    while not asking.done():
        await clock.advance(0.25)
    return await asking


async def trade(trading: Trading) -> None:
    """Entries, reductions, waiting orders and cancels, on paper and at the exchange."""
    for account in ACCOUNTS:
        for number in range(ORDERS):
            side = "SELL" if number % 3 == 2 else "BUY"
            await place(trading.client, account=account, side=side)
            await answer(trading.client, WAITING, account=account, price="40000", amount="0.001")


async def compare(trading: Trading) -> None:
    for account in ACCOUNTS:
        told = await meanwhile(trading.clock, reconcile(trading.client, account))
        assert told["problems"] == []


async def read(trading: Trading) -> None:
    for account in ACCOUNTS:
        for what in READS:
            heading = "($account: String!)" if "$account" in what else ""
            asked = trading.client.ask(f"query {heading} {{ {what} }}", account=account)
            [told] = (await meanwhile(trading.clock, asked)).values()
            if what == READS[1]:
                assert told["performance"]["trades"] > 5_000


async def correct(url: str) -> None:
    """The worst correction: no checkpoint is early enough, so that all fills are replayed."""
    database = Database(url, Bus())
    try:
        for account in ACCOUNTS:
            key = PositionKey(account=account, symbol="BTC/USDT", type=PositionType.SPOT)
            async with database.snapshot() as view:
                before = await view.positions.find(key)
            async with database.transaction() as tx:
                await position_bookkeeping.rebuild(tx, key)
                after = await tx.positions.find(key)
            assert before is not None
            assert after is not None
            # Every fee was valued: in the history, and of the orders above.
            assert before.unvalued_fees == after.unvalued_fees == 0
            assert before == after
            assert after.fills > 20_000
    finally:
        await database.close()


async def prune(url: str, clock: ManualClock) -> None:
    database = Database(url, Bus())
    try:
        log = OrderLog(database, Bus(), clock)
        assert await log.prune(RETENTION) > 5_000
    finally:
        await database.close()
