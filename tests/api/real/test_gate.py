"""What the gate asks a real exchange for an order, and what it knows without asking."""

import asyncio

from tests.api.real.real_trading import Trading
from tests.support.api.metrics import value
from tests.support.api.trading import CANCEL, MARKET, WAITING, place, refusal
from tests.support.venues.binance.api import faults as binance_faults
from tests.support.venues.serving import faults
from tests.support.venues.serving.requests import RequestKind

ASKED = (RequestKind.TICKER, RequestKind.ACCOUNT)
RESTING = {**WAITING, "price": "40000", "amount": "0.001"}
# Most of the account's money.
DEAR = {**WAITING, "price": "30000", "amount": "2"}


def asked(trading: Trading) -> list[int]:
    return [trading.venue.journal.count(kind) for kind in ASKED]


async def test_orders_in_quick_succession_ask_for_price_and_balances_once(trading: Trading) -> None:
    await trading.clock.advance(10)
    before = asked(trading)
    for _ in range(10):
        await place(trading.client, RESTING)
        await trading.clock.advance(0.1)
    assert asked(trading) == [count + 1 for count in before]


async def test_prices_and_balances_that_are_too_old_are_asked_for_again(trading: Trading) -> None:
    await trading.clock.advance(10)
    await place(trading.client, RESTING)
    before = asked(trading)
    await trading.clock.advance(3)
    await place(trading.client, RESTING)
    assert asked(trading) == [before[0] + 1, before[1]]
    await trading.clock.advance(7)
    await place(trading.client, RESTING)
    assert asked(trading) == [before[0] + 2, before[1] + 1]


async def test_money_that_came_in_since_is_noticed_before_an_order_is_refused(
    trading: Trading,
) -> None:
    await place(trading.client)
    await trading.clock.advance(2)
    trading.venue.deposit(trading.account, "USDT", 100_000)
    before = asked(trading)
    await place(trading.client, amount="3")
    assert asked(trading)[1] == before[1] + 1


async def test_what_a_fill_brought_can_be_sold_at_once(trading: Trading) -> None:
    await place(trading.client, symbol="ETH/USDT", amount="1")
    await place(trading.client, symbol="ETH/USDT", side="SELL", amount="0.9")


async def test_a_price_that_moved_since_refuses_no_order(trading: Trading) -> None:
    stop = {**MARKET, "type": "STOP_MARKET", "side": "SELL", "triggerPrice": "51000"}
    assert (await refusal(trading.client, stop))["code"] == "INVALID_INPUT"
    trading.venue.move("BTCUSDT", 52_000)
    await trading.clock.advance(2)
    await place(trading.client, stop)


async def test_money_that_orders_have_taken_is_not_spent_again(trading: Trading) -> None:
    await place(trading.client)
    await place(trading.client, DEAR)
    sent = trading.venue.journal.count(RequestKind.CREATE_ORDER)
    why = await refusal(trading.client, DEAR)
    assert why["code"] == "INSUFFICIENT_FUNDS"
    assert trading.venue.journal.count(RequestKind.CREATE_ORDER) == sent


async def test_an_order_counts_what_one_on_its_way_takes(trading: Trading) -> None:
    await place(trading.client)
    trading.venue.faults.on(RequestKind.CREATE_ORDER, faults.SILENCE)
    first = asyncio.create_task(place(trading.client, DEAR))
    await trading.venue.journal.until(RequestKind.CREATE_ORDER, 2)
    before = asked(trading)[1]
    # It is not refused by what it only remembers: the exchange is asked, and has the last word.
    await place(trading.client, DEAR)
    assert asked(trading)[1] == before + 1
    await trading.clock.advance(11)
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)


async def test_the_lookup_after_a_cancel_is_as_urgent_as_the_cancel(trading: Trading) -> None:
    order = await place(trading.client, RESTING)
    await trading.client.ask(CANCEL, input={"id": order["id"]})
    name, labels = "orderdeck_exchange_requests_total", {"account": "main", "kind": "fetch_order"}
    assert await value(trading.client, name, **labels, priority="CANCEL") == 1


async def test_what_an_order_asks_the_exchange_for_is_a_metric(trading: Trading) -> None:
    labels = {"account": "main", "kind": "create_order", "priority": "ORDER"}
    before = await value(trading.client, "orderdeck_exchange_requests_total", **labels)
    await place(trading.client)
    after = await value(trading.client, "orderdeck_exchange_requests_total", **labels)
    assert (before, after) == (0, 1)
    weight = "orderdeck_exchange_requests_weight_total"
    assert await value(trading.client, weight, **labels) == 1


async def test_while_the_exchange_asks_for_a_pause_an_order_is_refused_and_its_id_stays_free(
    trading: Trading,
) -> None:
    trading.venue.faults.on(RequestKind.CREATE_ORDER, binance_faults.too_many(retry_after=5))
    rejected = await refusal(trading.client, RESTING, clientOrderId="first")
    assert (rejected["code"], rejected["retryable"]) == ("RATE_LIMITED", True)
    why = await refusal(trading.client, RESTING, clientOrderId="second")
    assert (why["code"], why["retryable"]) == ("EXCHANGE_UNAVAILABLE", True)
    assert why["message"] == ("the exchange asked for a pause of another 5 s; nothing was placed")
    assert why["existingOrder"] is None
    await trading.clock.advance(6)
    assert (await place(trading.client, RESTING, clientOrderId="second"))["status"] == "OPEN"
