"""What an account hears of its orders, and what can go wrong with hearing it."""

import asyncio
from decimal import Decimal
from typing import Any

import ccxt.pro
import pytest

from tests.support.venues.binance.api import faults as binance_faults
from tests.support.venues.binance.venue import Venue
from tests.support.venues.binance.watching import heard, is_heard, watching
from tests.support.venues.engine.accounts import Account
from tests.support.venues.engine.listings import DEFAULT_LISTINGS, Listing
from tests.support.venues.serving import faults
from tests.support.venues.serving.deliveries import Delivery
from tests.support.venues.serving.requests import RequestKind
from tests.venues.binance.conftest import Connect

NAME = {"clientOrderId": "k1"}


async def place(client: ccxt.pro.binance) -> dict[str, Any]:
    order: dict[str, Any] = await client.create_order(
        "BTC/USDT", "limit", "buy", "0.3", "40000", NAME
    )
    return order


async def test_a_new_order_is_heard_of(client: ccxt.pro.binance) -> None:
    news = await watching(client, "orders", client.watch_orders())
    placed = await place(client)
    [order] = await heard(news)
    assert (order["id"], order["clientOrderId"]) == (placed["id"], "k1")
    assert (order["status"], order["amount"], order["filled"]) == (
        "open",
        "0.30000000",
        "0.00000000",
    )


async def test_a_fill_is_heard_of_as_order_trade_and_balance(
    client: ccxt.pro.binance, venue: Venue
) -> None:
    await place(client)
    orders = await watching(client, "orders", client.watch_orders())
    trades = await watching(client, "myTrades", client.watch_my_trades())
    balance = await watching(client, "spot:balance", client.watch_balance())
    venue.fill("k1", "0.1")
    [order], [trade] = await heard(orders), await heard(trades)
    assert (order["filled"], order["status"]) == ("0.10000000", "open")
    assert (trade["order"], trade["takerOrMaker"]) == (order["id"], "maker")
    assert trade["fee"] == {"cost": "0.00010000", "currency": "BTC"}
    assert (await heard(balance))["USDT"]["used"] == "8000.00000000"


async def test_a_cancel_is_heard_of_under_the_first_id(
    client: ccxt.pro.binance, venue: Venue
) -> None:
    await place(client)
    news = await watching(client, "orders", client.watch_orders())
    await client.cancel_order(None, "BTC/USDT", NAME)
    [order] = await heard(news)
    assert (order["clientOrderId"], order["status"]) == ("k1", "canceled")
    assert order["info"]["c"] != "k1"


async def test_a_deposit_is_heard_of(
    client: ccxt.pro.binance, venue: Venue, account: Account
) -> None:
    news = await watching(client, "spot:balance", client.watch_balance())
    venue.deposit(account, "USDT", "0.5")
    told = (await heard(news))["info"]
    assert (told["e"], told["a"], told["d"]) == ("balanceUpdate", "USDT", "0.50000000")
    assert account.balance("USDT").free == Decimal("100000.5")


async def test_orders_of_others_are_not_heard_of(
    client: ccxt.pro.binance, venue: Venue, account: Account
) -> None:
    other = venue.open_account("other", USDT=10_000)
    news = await watching(client, "orders", client.watch_orders())
    venue.place_elsewhere(other, "BTCUSDT", "BUY", "0.1", 40_000)
    own = venue.place_elsewhere(account, "BTCUSDT", "BUY", "0.1", 40_000)
    assert [order["id"] for order in await heard(news)] == [str(own.id)]


async def test_an_order_is_placed_and_canceled_over_the_socket(
    client: ccxt.pro.binance, venue: Venue
) -> None:
    placed = await client.create_order_ws("BTC/USDT", "limit", "buy", "0.3", "40000", NAME)
    assert placed["id"] == str(venue.order("k1").id)
    await client.cancel_order_ws(placed["id"], "BTC/USDT")
    assert venue.order("k1").status == "CANCELED"
    with pytest.raises(ccxt.BadRequest, match="LOT_SIZE"):
        await client.create_order_ws("BTC/USDT", "limit", "buy", "9999", "40000", NAME)


async def test_the_answer_to_an_order_over_the_socket_may_be_lost(
    client: ccxt.pro.binance, venue: Venue
) -> None:
    venue.faults.on(RequestKind.CREATE_ORDER, faults.CUT.after_acceptance())
    with pytest.raises(ccxt.NetworkError, match="1006"):
        await client.create_order_ws("BTC/USDT", "limit", "buy", "0.3", "40000", NAME)
    assert venue.order("k1").status == "NEW"
    assert venue.journal.sent_orders() == ["k1"]


async def test_repeated_news_repeat_the_trade(client: ccxt.pro.binance, venue: Venue) -> None:
    await place(client)
    news = await watching(client, "myTrades", client.watch_my_trades())
    venue.user_streams.delivery = Delivery.TWICE
    venue.fill("k1", "0.1")
    assert [trade["id"] for trade in await heard(news)] == ["5001"]
    news = await watching(client, "myTrades", client.watch_my_trades())
    venue.user_streams.delivery = Delivery.ONCE
    venue.fill("k1", "0.05")
    assert [trade["id"] for trade in await heard(news)] == ["5001", "5002"]


async def test_news_may_arrive_in_another_order(client: ccxt.pro.binance, venue: Venue) -> None:
    await place(client)
    await watching(client, "orders", client.watch_orders())
    venue.user_streams.delivery = Delivery.HELD
    venue.fill("k1", "0.1")
    venue.fill("k1")
    states = _states(client)
    venue.user_streams.release(lambda events: events[::-1])
    assert await heard(states) == [("closed", "0.30000000"), ("open", "0.10000000")]


async def test_lost_news_are_never_heard(client: ccxt.pro.binance, venue: Venue) -> None:
    await place(client)
    news = await watching(client, "orders", client.watch_orders())
    venue.user_streams.delivery = Delivery.NEVER
    venue.fill("k1", "0.1")
    venue.user_streams.delivery = Delivery.ONCE
    venue.fill("k1", "0.05")
    assert [order["filled"] for order in await heard(news)] == ["0.15000000"]


async def test_what_happens_during_a_cut_is_never_told(
    client: ccxt.pro.binance, venue: Venue
) -> None:
    await place(client)
    news = await watching(client, "orders", client.watch_orders())
    venue.user_streams.sockets.cut()
    with pytest.raises(ccxt.NetworkError, match="1006"):
        await heard(news)
    venue.fill("k1", "0.1")
    news = await watching(client, "orders", client.watch_orders())
    venue.fill("k1", "0.05")
    assert [order["info"]["t"] for order in await heard(news)] == [5002]
    assert venue.user_streams.sockets.dials == 2


async def test_a_black_out_ends_everything_and_is_survived(
    client: ccxt.pro.binance, venue: Venue, account: Account
) -> None:
    news = await watching(client, "orders", client.watch_orders())
    venue.black_out()
    with pytest.raises(ccxt.NetworkError, match="1006"):
        await heard(news)
    with pytest.raises(ccxt.NetworkError, match="503"):
        await heard(asyncio.create_task(client.watch_orders()))
    with pytest.raises(ccxt.ExchangeNotAvailable):
        await place(client)
    venue.light_up()
    assert venue.orders(account) == []
    news = await watching(client, "orders", client.watch_orders())
    placed = await place(client)
    assert [order["id"] for order in await heard(news)] == [placed["id"]]


async def test_an_ended_stream_leaves_who_listens_waiting(
    client: ccxt.pro.binance, venue: Venue, account: Account
) -> None:
    await place(client)
    news = await watching(client, "orders", client.watch_orders())
    venue.user_streams.terminate(account.name)
    await _answered(client, venue)
    venue.fill("k1", "0.1")
    await _answered(client, venue)
    assert not news.done()
    assert venue.user_streams.listeners(account.name) == 0
    news.cancel()


async def test_nonsense_deafens_the_client(client: ccxt.pro.binance, venue: Venue) -> None:
    await place(client)
    news = await watching(client, "orders", client.watch_orders())
    failures: list[Any] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: failures.append(context))
    venue.user_streams.sockets.say_nonsense()
    venue.fill("k1", "0.1")
    await _answered(client, venue)
    assert not news.done()
    news.cancel()


async def test_a_silent_stream_is_open_and_says_nothing(
    client: ccxt.pro.binance, venue: Venue
) -> None:
    await place(client)
    news = await watching(client, "orders", client.watch_orders())
    venue.user_streams.sockets.fall_silent()
    venue.fill("k1", "0.1")
    await _answered(client, venue)
    assert is_heard(client, "orders")
    assert not news.done()
    news.cancel()


async def test_a_market_may_be_unknown_to_who_hears_of_it(
    client: ccxt.pro.binance, venue: Venue, account: Account
) -> None:
    values = {field: getattr(DEFAULT_LISTINGS[1], field) for field in ("price", "tick", "step")}
    venue.list_market(
        Listing(
            base="SOL", quote="USDT", least_notional=DEFAULT_LISTINGS[1].least_notional, **values
        )
    )
    news = await watching(client, "orders", client.watch_orders())
    venue.place_elsewhere(account, "SOLUSDT", "BUY", "1", 2000)
    [order] = await heard(news)
    assert order["symbol"] == "SOLUSDT"


async def test_a_refused_key_shows_as_a_key_error(
    connect: Connect, venue: Venue, account: Account
) -> None:
    client = await connect(account)
    venue.faults.on(RequestKind.SUBSCRIBE, binance_faults.LATE)
    with pytest.raises(KeyError, match="spot"):
        await heard(asyncio.create_task(client.watch_orders()))


async def test_a_door_that_is_shut_refuses_the_dial(client: ccxt.pro.binance, venue: Venue) -> None:
    venue.user_streams.sockets.is_refusing = True
    with pytest.raises(ccxt.NetworkError, match="503"):
        await heard(asyncio.create_task(client.watch_orders()))


def _states(client: ccxt.pro.binance) -> "asyncio.Task[list[tuple[str, str]]]":
    async def collect() -> list[tuple[str, str]]:
        states: list[tuple[str, str]] = []
        while len(states) < 2:
            states += [(row["status"], row["filled"]) for row in await client.watch_orders()]
        return states

    return asyncio.create_task(collect())


async def _answered(client: ccxt.pro.binance, venue: Venue) -> None:
    # What was said on a socket before a request is there before the request is answered.
    await client.fetch_time()
    await client.fetch_time()
