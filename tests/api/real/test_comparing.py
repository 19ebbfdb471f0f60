"""What a comparison with a real exchange asks for, and what it finds all the same."""

import asyncio
from pathlib import Path

import pytest

from tests.api.real.real_trading import Site, Trading, traded
from tests.support.api.clients import PATIENCE_SECONDS
from tests.support.api.trading import WAITING, place
from tests.support.clock import ManualClock
from tests.support.venues.binance.venue import Venue
from tests.support.venues.engine.listings import coins
from tests.support.venues.serving.deliveries import Delivery
from tests.support.venues.serving.requests import RequestKind

RESTING = {**WAITING, "price": "40000", "amount": "0.001"}
ORDERS = "{ orders { nodes { symbol status source } } }"


def listed(venue: Venue, since: int = 0) -> list[str]:
    """The markets of which closed orders were asked for."""
    return [request.params["symbol"] for request in venue.journal.of(RequestKind.ALL_ORDERS)][
        since:
    ]


async def external(trading: Trading) -> list[tuple[str, str]]:
    nodes = (await trading.client.ask(ORDERS))["orders"]["nodes"]
    found = [node for node in nodes if node["source"] == "EXTERNAL"]
    return [(node["symbol"], node["status"]) for node in found]


async def seconds_pass(trading: Trading, seconds: int) -> None:
    """Let time pass in steps that leave room for answers, while the sockets give signs of life."""
    for _ in range(seconds):
        for socket in trading.venue.user_streams.sockets.open:
            socket.say({"subscriptionId": 0, "event": {"e": "alive"}})
        await trading.clock.advance(1)


async def until_external(trading: Trading, *wanted: tuple[str, str]) -> None:
    """Let time pass until exactly these orders from elsewhere are known."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while await external(trading) != list(wanted):
            await seconds_pass(trading, 1)


async def test_who_trades_here_alone_is_asked_for_no_closed_orders(trading: Trading) -> None:
    for symbol in ("BTC/USDT", "ETH/USDT", "BNB/USDT"):
        await place(trading.client, symbol=symbol, amount="0.1")
    before = len(listed(trading.venue))
    await seconds_pass(trading, 60)
    assert listed(trading.venue, before) == []


async def test_of_orders_placed_elsewhere_the_stream_tells_which_market_to_list(
    trading: Trading,
) -> None:
    await place(trading.client, symbol="BNB/USDT", amount="0.1")
    await seconds_pass(trading, 20)
    before = len(listed(trading.venue))
    elsewhere = trading.venue.place_elsewhere(trading.account, "ETHUSDT", "BUY", "1", "2000")
    trading.venue.cancel(elsewhere.id)
    await until_external(trading, ("ETH/USDT", "CANCELED"))
    assert listed(trading.venue, before) == ["ETHUSDT"]


async def test_trades_elsewhere_that_no_stream_told_of_are_found_by_the_balances(
    trading: Trading,
) -> None:
    await seconds_pass(trading, 70)
    trading.venue.user_streams.delivery = Delivery.NEVER
    trading.venue.place_elsewhere(trading.account, "ETHUSDT", "BUY", "1")
    await until_external(trading, ("ETH/USDT", "FILLED"))


async def test_after_an_interrupted_stream_all_traded_markets_are_listed(trading: Trading) -> None:
    await place(trading.client, symbol="ETH/USDT", amount="1")
    trading.venue.user_streams.sockets.cut()
    elsewhere = trading.venue.place_elsewhere(trading.account, "ETHUSDT", "BUY", "1", "2000")
    trading.venue.cancel(elsewhere.id)
    await until_external(trading, ("ETH/USDT", "CANCELED"))


@pytest.mark.slow
async def test_a_market_traded_long_ago_is_listed_as_well(trading: Trading) -> None:
    await place(trading.client, symbol="ETH/USDT", amount="1")
    for _ in range(2 * 6):
        await trading.clock.advance(600)
    await seconds_pass(trading, 10)
    trading.venue.user_streams.delivery = Delivery.NEVER
    elsewhere = trading.venue.place_elsewhere(trading.account, "ETHUSDT", "BUY", "1", "2000")
    trading.venue.cancel(elsewhere.id)
    for _ in range(6):
        await trading.clock.advance(600)
    await until_external(trading, ("ETH/USDT", "CANCELED"))


async def test_after_a_start_markets_are_listed_some_at_a_time_and_orders_need_not_wait(
    venue: Venue, sqlite_url: str, tmp_path: Path, clock: ManualClock
) -> None:
    site = Site(venue=venue, database_url=sqlite_url, folder=tmp_path, clock=clock)
    account = venue.open_account("main", USDT=100_000)
    for listing in coins(12):
        venue.list_market(listing)
    async with traded(site, account) as trading:
        await trading.until_in_step()
        for listing in coins(12):
            await place(trading.client, symbol=f"{listing.base}/USDT", amount="10")
    before = len(listed(venue))
    async with traded(site, account) as trading:
        await trading.until_in_step()
        assert len(listed(venue, before)) <= 5
        await place(trading.client, symbol="COIN000/USDT", amount="10")
        await seconds_pass(trading, 60)
        async with asyncio.timeout(PATIENCE_SECONDS):
            while len(listed(venue, before)) < 12:
                await seconds_pass(trading, 1)
        assert sorted(listed(venue, before)) == [f"COIN{number:03}USDT" for number in range(12)]


async def test_what_a_comparison_finds_shows_that_the_stream_is_deaf(trading: Trading) -> None:
    await place(trading.client, RESTING, clientOrderId="mine")
    await seconds_pass(trading, 20)
    trading.venue.user_streams.delivery = Delivery.NEVER
    dials = trading.venue.user_streams.sockets.dials
    trading.venue.fill(trading.venue.orders(trading.account)[0].id)
    async with asyncio.timeout(PATIENCE_SECONDS):
        while trading.venue.user_streams.sockets.dials == dials:
            await seconds_pass(trading, 1)
    assert (await trading.order("mine"))["status"] == "FILLED"


async def test_open_orders_are_listed_by_comparisons_alone(trading: Trading) -> None:
    await place(trading.client, RESTING)
    await seconds_pass(trading, 30)
    before = trading.venue.journal.count(RequestKind.OPEN_ORDERS)
    await seconds_pass(trading, 60)
    # Four comparisons, and room for a stream that is reopened; the checks of silence were six more.
    assert trading.venue.journal.count(RequestKind.OPEN_ORDERS) - before <= 7


@pytest.mark.parametrize("fills", [1, 3])
async def test_the_trades_of_a_partial_fill_are_asked_for_once(
    trading: Trading, fills: int
) -> None:
    await place(trading.client, RESTING, clientOrderId="mine")
    [held] = trading.venue.orders(trading.account)
    for _ in range(fills):
        trading.venue.fill(held.id, "0.0001")
    await seconds_pass(trading, 30)
    before = trading.venue.journal.count(RequestKind.MY_TRADES)
    await seconds_pass(trading, 60)
    assert trading.venue.journal.count(RequestKind.MY_TRADES) == before
    trading.venue.fill(held.id, "0.0001")
    await seconds_pass(trading, 30)
    assert len((await trading.order("mine"))["fills"]["nodes"]) == fills + 1
