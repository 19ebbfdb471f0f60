"""The local Bybit's sockets: login, subscriptions, ping, and what they stream."""

import asyncio
from dataclasses import replace

import ccxt.pro
import pytest

from tests.support.venues.bybit.venue import Venue
from tests.support.venues.engine.accounts import Account
from tests.venues.bybit.conftest import Connect

BTC = "BTC/USDT"


async def listening(venue: Venue, account: Account) -> None:
    async with asyncio.timeout(3):
        while not venue.user_streams.listeners(account.name):  # noqa: ASYNC110
            await asyncio.sleep(0.0005)


async def test_orders_and_executions_are_streamed_as_they_are_listed(
    client: ccxt.pro.bybit, venue: Venue, account: Account
) -> None:
    orders = asyncio.create_task(client.watch_orders())
    trades = asyncio.create_task(client.watch_my_trades())
    await listening(venue, account)
    order = venue.place_elsewhere(account, "BTCUSDT", "BUY", "0.1", 40_000)
    [told] = await orders
    assert (told["id"], told["status"], told["symbol"]) == (str(order.id), "open", BTC)
    venue.fill(order.id, "0.04")
    [trade] = await trades
    [listed] = await client.fetch_my_trades(BTC)
    assert {key: trade[key] for key in ("id", "order", "price", "amount", "fee")} == {
        key: listed[key] for key in ("id", "order", "price", "amount", "fee")
    }


async def test_a_login_that_is_not_signed_is_refused(connect: Connect, account: Account) -> None:
    client = await connect(replace(account, secret="f" * 64))
    client.options |= {"enableUnifiedMargin": False, "enableUnifiedAccount": True}
    with pytest.raises(ccxt.AuthenticationError, match="Params Error"):
        await client.watch_orders()


async def test_a_ping_is_answered(client: ccxt.pro.bybit, venue: Venue) -> None:
    await client.watch_ticker(BTC)
    [connection] = client.clients.values()
    before = connection.lastPong
    venue._clock.step(wall=1)  # type: ignore[attr-defined]
    await connection.send(client.ping(connection))
    async with asyncio.timeout(3):
        while connection.lastPong == before:  # noqa: ASYNC110
            await asyncio.sleep(0.0005)


async def test_a_book_is_sent_whole_and_then_its_changes(
    client: ccxt.pro.bybit, venue: Venue
) -> None:
    before = await client.watch_order_book(BTC, 50)
    assert before["bids"][0] == ["49999.99", "1000"] or before["bids"][0][0] == 49999.99
    waiting = asyncio.create_task(client.watch_order_book(BTC, 50))
    await asyncio.sleep(0)
    venue.move("BTCUSDT", 51_000)
    after = await asyncio.wait_for(waiting, 3)
    listed = await client.fetch_order_book(BTC, 5)
    assert [list(level)[:2] for level in after["bids"]] == listed["bids"]
    assert [list(level)[:2] for level in after["asks"]] == listed["asks"]
