"""The kill switch with very many positions at a real exchange, killed in the middle."""

import asyncio
import json
import time
from contextlib import suppress
from decimal import Decimal

import pytest

from app.clocks import SystemClock
from tests.conftest import on_each_database
from tests.support.processes.clients import ApiClient, Data, api_client, eventually
from tests.support.processes.servers import ServerProcess
from tests.support.venues.binance.running import running_venue
from tests.support.venues.binance.venue import Venue
from tests.support.venues.engine.accounts import Account
from tests.support.venues.engine.listings import Listing, coins
from tests.system.conftest import MakeServer

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

MARKETS = 140
POSITIONS = 136
WAITING = 40
FROM_OUTSIDE = 60
BOUGHT = Decimal(20)
AT_ONCE = 34
# Some seconds on an idle machine; the exchange and other tests share the cores here.
FLAT_SECONDS = 60
HALT = """mutation { haltTrading(reason: "a test", closePositions: true) {
  isDone canceled { id } closing { id } failed { message } underWay { id }
} }"""
PROGRESS = """{ risk { tradingState openOrders
  halt { beganAt endedAt canceled closed underWay failures { subject message } }
} }"""


@on_each_database
async def test_136_positions_are_closed_across_a_crash_and_nothing_from_outside_is_sold(
    make_ccxt_server: MakeServer, database_url: str
) -> None:
    listings = coins(MARKETS)
    async with running_venue(SystemClock()) as venue:
        account = _account(venue, listings)
        server = make_ccxt_server(database_url, **_settings(venue, account))
        await server.start()
        async with api_client(server) as api:
            await _buy(api, [f"{one.base}/{one.quote}" for one in listings[:POSITIONS]])
            await _wait_below(api, listings[:WAITING])
            await _killed_while_halting(api, server)
            await server.start()
            seen = await eventually(lambda: api.ask(PROGRESS), _is_over, seconds=FLAT_SECONDS)
            assert seen["risk"]["halt"]["failures"] == []
            assert seen["risk"]["openOrders"] == 0
        _assert_flat(venue, account, listings)


async def test_a_halt_of_136_positions_answers_in_ten_seconds_with_all_done(
    make_ccxt_server: MakeServer, sqlite_url: str
) -> None:
    listings = coins(MARKETS)
    async with running_venue(SystemClock()) as venue:
        account = _account(venue, listings)
        server = make_ccxt_server(sqlite_url, **_settings(venue, account))
        await server.start()
        async with api_client(server) as api:
            await _buy(api, [f"{one.base}/{one.quote}" for one in listings[:POSITIONS]])
            began = time.perf_counter()
            halted = (await api.ask(HALT))["haltTrading"]
            took = time.perf_counter() - began
            assert took < 15
            assert halted["failed"] == []
            seen = await eventually(lambda: api.ask(PROGRESS), _is_over, seconds=FLAT_SECONDS)
            assert seen["risk"]["halt"]["closed"] == POSITIONS
        _assert_flat(venue, account, listings)


def _account(venue: Venue, listings: list[Listing]) -> Account:
    for listing in listings:
        venue.list_market(listing)
    account = venue.open_account("main", USDT=10_000_000)
    for listing in listings[:FROM_OUTSIDE]:
        account.deposit(listing.base, Decimal(7))
    for listing in listings[POSITIONS:]:
        account.deposit(listing.base, Decimal(3))
    return account


def _settings(venue: Venue, account: Account) -> dict[str, object]:
    ccxt = venue.ccxt_settings(account)
    keys = {"api_key": ccxt.pop("apiKey"), "secret": ccxt.pop("secret")}
    main = {"exchange": "binance", "mode": "live", "ccxt": json.dumps(ccxt), **keys}
    return {f"accounts__main__{name}": value for name, value in main.items()}


async def _buy(api: ApiClient, symbols: list[str]) -> None:
    for start in range(0, len(symbols), AT_ONCE):
        wanted = [
            {"symbol": symbol, "side": "BUY", "type": "MARKET", "amount": str(BOUGHT)}
            for symbol in symbols[start : start + AT_ONCE]
        ]
        await _placed(api, wanted)


async def _placed(api: ApiClient, wanted: list[dict[str, str]]) -> None:
    """Place them once the account has been compared with its exchange."""
    async with asyncio.timeout(60):
        while (await api.place(**wanted[0])).refusal == "EXCHANGE_UNAVAILABLE":  # noqa: ASYNC110 - nothing announces it
            await asyncio.sleep(0.1)
    assert {answer.refusal for answer in await api.place_many(wanted[1:])} == {None}


async def _wait_below(api: ApiClient, listings: list[Listing]) -> None:
    wanted = [
        {
            "symbol": f"{one.base}/{one.quote}",
            "side": "BUY",
            "type": "LIMIT",
            "amount": str(BOUGHT),
            "price": str(one.price * Decimal("0.8")),
        }
        for one in listings
    ]
    await _placed(api, wanted)


async def _killed_while_halting(api: ApiClient, server: ServerProcess) -> None:
    """Halt, and kill the server once it has begun to close."""
    halting = asyncio.create_task(api.ask(HALT))
    await eventually(lambda: api.ask(PROGRESS), _has_begun_to_close, seconds=FLAT_SECONDS)
    await server.kill()
    halting.cancel()
    with suppress(asyncio.CancelledError):
        await halting


def _has_begun_to_close(seen: Data) -> bool:
    halt = seen["risk"]["halt"]
    return halt is not None and halt["closed"] > 0


def _is_over(seen: Data) -> bool:
    halt = seen["risk"]["halt"]
    return halt is not None and halt["endedAt"] is not None


def _assert_flat(venue: Venue, account: Account, listings: list[Listing]) -> None:
    """What was bought is sold but for a rest below the market's step; what was deposited stays."""
    assert [order for order in venue.orders(account) if order.status.is_open] == []
    for number, listing in enumerate(listings):
        deposited = Decimal(7 if number < FROM_OUTSIDE else 0 if number < POSITIONS else 3)
        balance = account.balance(listing.base)
        rest = balance.free + balance.locked - deposited
        assert Decimal(0) <= rest < listing.step, listing.base
    venue.assert_books_balance()
