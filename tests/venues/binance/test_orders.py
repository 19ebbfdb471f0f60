"""The life of an order as the genuine client sees it."""

from decimal import Decimal
from typing import Any

import ccxt.pro
import pytest

from tests.support.clock import ManualClock
from tests.support.venues.binance.venue import Venue
from tests.support.venues.engine.accounts import Account
from tests.support.venues.engine.tape import Quote
from tests.support.venues.serving.requests import RequestKind

NAME = {"clientOrderId": "k0001"}
TYPES: list[tuple[str, str, str | None, dict[str, Any]]] = [
    ("limit", "buy", "40000", {}),
    ("limit", "sell", "60000", {"timeInForce": "GTC"}),
    ("limit", "buy", "40000", {"postOnly": True}),
    ("market", "buy", None, {"triggerPrice": "55000"}),
    ("limit", "buy", "55100", {"triggerPrice": "55000"}),
    ("market", "sell", None, {"stopLossPrice": "45000"}),
    ("limit", "sell", "44900", {"stopLossPrice": "45000"}),
    ("market", "sell", None, {"takeProfitPrice": "55000"}),
    ("limit", "sell", "55000", {"takeProfitPrice": "55000"}),
]
WIRE_TYPES = [
    "LIMIT",
    "LIMIT",
    "LIMIT_MAKER",
    "STOP_LOSS",
    "STOP_LOSS_LIMIT",
    "STOP_LOSS",
    "STOP_LOSS_LIMIT",
    "TAKE_PROFIT",
    "TAKE_PROFIT_LIMIT",
]


@pytest.mark.parametrize(("order", "wire_type"), list(zip(TYPES, WIRE_TYPES, strict=True)))
async def test_every_type_is_placed_found_and_canceled_by_the_clients_id(
    client: ccxt.pro.binance,
    venue: Venue,
    order: tuple[str, str, str | None, dict[str, Any]],
    wire_type: str,
) -> None:
    kind, side, price, terms = order
    placed = await client.create_order("BTC/USDT", kind, side, "0.1", price, NAME | terms)
    assert venue.order("k0001").type == wire_type
    found = await client.fetch_order(None, "BTC/USDT", NAME)
    assert (found["id"], found["status"], found["amount"]) == (placed["id"], "open", "0.10000000")
    assert found["clientOrderId"] == "k0001"
    canceled = await client.cancel_order(None, "BTC/USDT", NAME)
    assert (canceled["id"], canceled["status"]) == (placed["id"], "canceled")
    after = await client.fetch_order(placed["id"], "BTC/USDT")
    assert (after["status"], after["clientOrderId"]) == ("canceled", "k0001")


async def test_a_market_order_is_filled_at_once(client: ccxt.pro.binance) -> None:
    order = await client.create_order("BTC/USDT", "market", "buy", "0.1", None, NAME)
    assert (order["status"], order["filled"], order["cost"]) == (
        "closed",
        "0.10000000",
        "5000.00000000",
    )
    [trade] = await client.fetch_my_trades("BTC/USDT")
    assert (trade["order"], trade["takerOrMaker"]) == (order["id"], "taker")
    assert trade["fee"] == {"cost": "0.00010000", "currency": "BTC"}


async def test_a_market_order_buys_for_a_cost(client: ccxt.pro.binance, venue: Venue) -> None:
    terms = NAME | {"quoteOrderQty": "1000.01"}
    await client.create_order("BTC/USDT", "market", "buy", "0", None, terms)
    order = venue.order("k0001")
    assert (order.filled, order.cost) == (Decimal("0.02"), Decimal(1000))


async def test_a_limit_order_is_filled_when_the_price_comes(
    client: ccxt.pro.binance, venue: Venue
) -> None:
    await client.create_order("BTC/USDT", "limit", "buy", "0.1", "49000", NAME)
    venue.move("BTCUSDT", "49000.01")
    assert venue.order("k0001").status == "NEW"
    venue.move("BTCUSDT", 48_900)
    order = await client.fetch_order(None, "BTC/USDT", NAME)
    assert (order["status"], order["average"]) == ("closed", "49000")


async def test_a_stop_waits_for_its_price(client: ccxt.pro.binance, venue: Venue) -> None:
    terms = NAME | {"stopLossPrice": "45000"}
    await client.create_order("BTC/USDT", "market", "sell", "0.1", None, terms)
    venue.move("BTCUSDT", "45000.01")
    assert not venue.order("k0001").is_working
    venue.move("BTCUSDT", 45_000)
    order = await client.fetch_order(None, "BTC/USDT", NAME)
    assert (order["status"], order["average"]) == ("closed", "44999.99")


async def test_a_stop_that_nobody_can_pay_expires(
    client: ccxt.pro.binance, venue: Venue, account: Account
) -> None:
    venue.deposit(account, "USDT", -95_000)
    terms = NAME | {"triggerPrice": "51000"}
    await client.create_order("BTC/USDT", "market", "buy", "0.095", None, terms)
    venue.move("BTCUSDT", 60_000)
    order = await client.fetch_order(None, "BTC/USDT", NAME)
    assert (order["status"], order["filled"]) == ("expired", "0.00000000")


@pytest.mark.parametrize(
    ("time_in_force", "status", "filled"),
    [
        ("GTC", "open", "0.40000000"),
        ("IOC", "expired", "0.40000000"),
        ("FOK", "expired", "0.00000000"),
    ],
)
async def test_time_in_force_says_what_becomes_of_the_rest(
    client: ccxt.pro.binance, venue: Venue, time_in_force: str, status: str, filled: str
) -> None:
    quote = Quote(bid=Decimal(49_999), ask=Decimal(50_000), ask_amount=Decimal("0.4"))
    venue.quote("BTCUSDT", quote, last=50_000)
    terms = NAME | {"timeInForce": time_in_force}
    order = await client.create_order("BTC/USDT", "limit", "buy", "1", "50001", terms)
    assert (order["status"], order["filled"]) == (status, filled)


async def test_partial_fills_add_up(client: ccxt.pro.binance, venue: Venue) -> None:
    await client.create_order("BTC/USDT", "limit", "sell", "0.3", "60000", NAME)
    venue.fill("k0001", "0.1", "60000.5")
    venue.fill("k0001", "0.05")
    order = await client.fetch_order(None, "BTC/USDT", NAME)
    assert (order["status"], order["filled"], order["cost"]) == (
        "open",
        "0.15000000",
        "9000.05000000",
    )
    venue.fill("k0001")
    trades = await client.fetch_my_trades("BTC/USDT")
    assert [trade["amount"] for trade in trades] == ["0.10000000", "0.05000000", "0.15000000"]
    assert len({trade["id"] for trade in trades}) == 3


async def test_trades_are_listed_from_an_id_and_of_an_order(
    client: ccxt.pro.binance, venue: Venue
) -> None:
    await client.create_order("BTC/USDT", "market", "buy", "0.1", None, {"clientOrderId": "k1"})
    await client.create_order("BTC/USDT", "market", "buy", "0.2", None, {"clientOrderId": "k2"})
    first, second = await client.fetch_my_trades("BTC/USDT")
    later = await client.fetch_my_trades("BTC/USDT", None, None, {"fromId": second["id"]})
    of_first = {"orderId": venue.order("k1").id}
    assert [trade["id"] for trade in later] == [second["id"]]
    found = await client.fetch_my_trades("BTC/USDT", None, None, of_first)
    assert [trade["id"] for trade in found] == [first["id"]]
    one = {"symbol": "BTCUSDT", "limit": 1}
    [latest] = await client.privateGetMyTrades(one)
    [next_] = await client.privateGetMyTrades(one | {"fromId": first["id"]})
    assert (str(latest["id"]), str(next_["id"])) == (second["id"], first["id"])


async def test_open_orders_are_those_that_wait(
    client: ccxt.pro.binance, venue: Venue, account: Account
) -> None:
    external = venue.place_elsewhere(account, "BTCUSDT", "SELL", "0.1", 60_000)
    await client.create_order("ETH/USDT", "limit", "buy", "1", "2000", NAME)
    await client.create_order("BTC/USDT", "market", "buy", "0.1")
    client.options["warnOnFetchOpenOrdersWithoutSymbol"] = False
    every = await client.fetch_open_orders()
    assert [order["clientOrderId"] for order in every] == [external.client_order_id, "k0001"]
    assert [order["symbol"] for order in await client.fetch_open_orders("ETH/USDT")] == ["ETH/USDT"]
    closed = await client.fetch_closed_orders("BTC/USDT")
    assert [order["type"] for order in closed] == ["market"]


async def test_the_exchange_cancels_and_expires_by_itself(
    client: ccxt.pro.binance, venue: Venue
) -> None:
    await client.create_order("BTC/USDT", "limit", "buy", "0.1", "40000", {"clientOrderId": "k1"})
    await client.create_order("BTC/USDT", "limit", "buy", "0.1", "40000", {"clientOrderId": "k2"})
    venue.cancel("k1")
    venue.expire("k2")
    orders = await client.fetch_orders("BTC/USDT")
    assert [order["status"] for order in orders] == ["canceled", "expired"]


async def test_all_orders_of_a_market_are_canceled(client: ccxt.pro.binance, venue: Venue) -> None:
    for name in ("k1", "k2"):
        await client.create_order(
            "BTC/USDT", "limit", "buy", "0.1", "40000", {"clientOrderId": name}
        )
    canceled = await client.cancel_all_orders("BTC/USDT")
    assert [order["status"] for order in canceled] == ["canceled", "canceled"]
    assert venue.order("k1").status == "CANCELED"


async def test_balances_show_what_is_locked(client: ccxt.pro.binance) -> None:
    await client.create_order("BTC/USDT", "limit", "buy", "0.1", "40000", NAME)
    balance = await client.fetch_balance()
    assert (balance["USDT"]["free"], balance["USDT"]["used"]) == ("96000.00000000", "4000.00000000")
    await client.cancel_order(None, "BTC/USDT", NAME)
    assert (await client.fetch_balance())["USDT"]["used"] == "0.00000000"


async def test_empty_balances_are_left_out_on_request(
    client: ccxt.pro.binance, venue: Venue, account: Account
) -> None:
    venue.deposit(account, "ETH", -10)
    every = await client.privateGetAccount()
    held = await client.privateGetAccount({"omitZeroBalances": "true"})
    assert [balance["asset"] for balance in every["balances"]] == ["USDT", "BTC", "ETH", "BNB"]
    assert [balance["asset"] for balance in held["balances"]] == ["USDT", "BTC", "BNB"]


async def test_a_young_order_is_hidden_for_a_while(
    client: ccxt.pro.binance, venue: Venue, clock: ManualClock
) -> None:
    venue.hide_new_orders(2)
    await client.create_order("BTC/USDT", "limit", "buy", "0.1", "40000", NAME)
    with pytest.raises(ccxt.OrderNotFound, match="-2013"):
        await client.fetch_order(None, "BTC/USDT", NAME)
    assert await client.fetch_open_orders("BTC/USDT") == []
    await clock.advance(2)
    assert (await client.fetch_order(None, "BTC/USDT", NAME))["status"] == "open"


async def test_every_request_is_written_down(client: ccxt.pro.binance, venue: Venue) -> None:
    await client.create_order("BTC/USDT", "limit", "buy", "0.1", "40000", NAME)
    await client.cancel_order(None, "BTC/USDT", NAME)
    [sent] = venue.journal.of(RequestKind.CREATE_ORDER)
    assert (sent.client_order_id, sent.at) == ("k0001", venue.now())
    assert sent.params["quantity"] == "0.1"
    assert venue.journal.sent_orders() == ["k0001"]
    venue.journal.assert_nothing_was_sent_twice()
    await client.create_order("BTC/USDT", "limit", "buy", "0.1", "40000", NAME)
    with pytest.raises(AssertionError, match="k0001"):
        venue.journal.assert_nothing_was_sent_twice()
