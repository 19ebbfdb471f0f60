"""What the local Kraken refuses and how much it tells at once, over the genuine ccxt client."""

import asyncio

import ccxt.pro
import pytest

from tests.support.clock import ManualClock
from tests.support.venues.engine.accounts import Account
from tests.support.venues.kraken.api.limits import STARTER
from tests.support.venues.kraken.venue import Venue
from tests.support.venues.serving.requests import RequestKind


async def test_a_wrong_signature_is_refused(client: ccxt.pro.kraken, account: Account) -> None:
    client.secret = "d3Jvbmc="
    with pytest.raises(ccxt.ExchangeError, match="EAPI:Invalid signature"):
        await client.fetch_balance()


async def test_an_unknown_key_is_refused(client: ccxt.pro.kraken, account: Account) -> None:
    account.is_revoked = True
    with pytest.raises(ccxt.AuthenticationError, match="EAPI:Invalid key"):
        await client.fetch_balance()


async def test_a_nonce_that_does_not_grow_is_refused(client: ccxt.pro.kraken) -> None:
    await client.fetch_balance()
    client.incrementing_nonce = lambda: client.options["lastNonce"]
    with pytest.raises(ccxt.InvalidNonce):
        await client.fetch_balance()


async def test_closed_orders_and_trades_come_fifty_at_a_time_the_latest_first(
    venue: Venue, account: Account, client: ccxt.pro.kraken, clock: ManualClock
) -> None:
    for _ in range(60):
        clock.step(wall=1)
        venue.place_elsewhere(account, "BTCUSDT", "BUY", "0.001")
    first = await client.private_post_closedorders({})
    second = await client.private_post_closedorders({"ofs": "50"})
    assert [len(page["result"]["closed"]) for page in (first, second)] == [50, 10]
    assert first["result"]["count"] == 60
    latest = max(first["result"]["closed"].values(), key=lambda order: order["closetm"])
    assert latest == next(iter(first["result"]["closed"].values()))
    trades = await client.private_post_tradeshistory({"ofs": "50"})
    assert (len(trades["result"]["trades"]), trades["result"]["count"]) == (10, 60)


async def test_no_more_than_twenty_trades_can_be_asked_for_by_id(client: ccxt.pro.kraken) -> None:
    ids = ",".join(f"TLOCAL-00000-{number:06d}" for number in range(21))
    with pytest.raises(ccxt.ExchangeError, match="EGeneral:Invalid arguments:txid"):
        await client.private_post_querytrades({"txid": ids})


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"amount": 100}, "EOrder:Insufficient funds"),
        ({"amount": 0.00001}, "EOrder:Cost minimum not met"),
        ({"price": 60_000, "params": {"postOnly": True}}, "EOrder:Post only order"),
    ],
)
async def test_an_order_that_cannot_be_is_refused_in_krakens_words(
    client: ccxt.pro.kraken, changes: dict[str, object], word: str
) -> None:
    terms = {"symbol": "BTC/USDT", "type": "limit", "side": "buy", "amount": 1, "price": 40_000}
    with pytest.raises(ccxt.ExchangeError, match=word):
        await client.create_order(**terms | changes)


async def test_a_key_may_ask_as_often_as_its_counter_decays(
    venue: Venue, client: ccxt.pro.kraken, clock: ManualClock
) -> None:
    venue.limits.tier = STARTER
    for _ in range(15):
        await client.fetch_open_orders()
    with pytest.raises(ccxt.DDoSProtection):
        await client.fetch_open_orders()
    clock.step(wall=3)
    await client.fetch_open_orders()


async def test_orders_count_by_market_and_not_for_the_key(
    venue: Venue, client: ccxt.pro.kraken
) -> None:
    venue.limits.tier = STARTER
    for _ in range(60):
        await client.create_order("BTC/USDT", "limit", "buy", 0.001, 40_000)
    with pytest.raises(ccxt.DDoSProtection, match="EOrder:Rate limit exceeded"):
        await client.create_order("BTC/USDT", "limit", "buy", 0.001, 40_000)
    await client.create_order("ETH/USDT", "limit", "buy", 0.1, 2000)
    assert venue.limits.highest == 0


async def test_a_stream_tells_an_order_and_its_trade(venue: Venue, client: ccxt.pro.kraken) -> None:
    watching = asyncio.create_task(client.watch_my_trades())
    async with asyncio.timeout(5):
        await venue.journal.until(RequestKind.SUBSCRIBE)
        while not venue.user_streams.listeners("main"):  # noqa: ASYNC110
            await asyncio.sleep(0.001)
        placed = await client.create_order("BTC/USDT", "market", "buy", 0.01)
        (trade,) = await watching
    assert (trade["order"], trade["fee"]["currency"]) == (placed["id"], "USDT")
