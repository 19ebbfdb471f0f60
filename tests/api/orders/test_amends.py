"""Changing an order in place, as a client meets it."""

from decimal import Decimal
from typing import Any

import pytest

from app.exchanges.paper.faults import Call, Faults
from tests.api.conftest import Serve
from tests.api.orders.test_order_kinds import RICH, UPDATES
from tests.conftest import on_each_database
from tests.support.api.clients import Client, Data, Socket
from tests.support.api.trading import CANCEL, CHANGED, MARKET, READ, WAITING, place, price_of
from tests.support.clock import ManualClock

AMEND = f"mutation ($input: AmendOrderInput!) {{ amendOrder(input: $input) {{ {CHANGED} }} }}"


async def amend(client: Client, order: Data, **changes: Any) -> Data:
    told: Data = (await client.ask(AMEND, input={"id": order["id"], **changes}))["amendOrder"]
    return told


async def amended(client: Client, order: Data, **changes: Any) -> Data:
    told = await amend(client, order, **changes)
    assert told["__typename"] == "OrderSuccess", told
    changed: Data = told["order"]
    return changed


async def refused(client: Client, order: Data, **changes: Any) -> tuple[str, list[str] | None]:
    told = await amend(client, order, **changes)
    assert told["__typename"] == "Refusal", told
    assert (await read(client, order))["amount"] == order["amount"]
    return told["code"], told["field"]


async def read(client: Client, order: Data) -> Data:
    found: Data = (await client.ask(READ, id=order["id"]))["order"]
    return found


async def partly_filled(serve: Serve) -> tuple[Client, Data]:
    """An order that took all that was offered up to its price, and waits with the rest."""
    client = (await serve(**RICH)).client()
    price = await price_of(client) + 5
    order = await place(client, type="LIMIT", amount="1.5", price=str(price))
    assert order["status"] == "PARTIALLY_FILLED"
    return client, order


@on_each_database
async def test_amount_and_price_are_changed_in_place_and_told(
    client: Client, socket: Socket
) -> None:
    order = await place(client, WAITING)
    await socket.subscribe("1", UPDATES)
    await client.ask("{ viewer { name } }")
    changed = await amended(client, order, amount="0.02", price="900")
    assert (changed["amount"], changed["price"], changed["status"]) == ("0.02", "900", "OPEN")
    assert changed["revision"] == order["revision"] + 1
    assert changed["clientOrderId"] == order["clientOrderId"]
    update = (await socket.hear_data("1"))["orderUpdates"]
    assert (update["kind"], update["previousStatus"]) == ("AMENDED", "OPEN")
    assert update["order"]["price"] == "900"
    assert (await read(client, order))["price"] == "900"


async def test_what_is_left_out_stays_and_what_is_so_already_asks_nobody(
    client: Client, faults: Faults
) -> None:
    order = await place(client, WAITING)
    assert (await amended(client, order, price="900"))["amount"] == order["amount"]
    faults.unavailable = {Call.AMEND}
    again = await amended(client, order, price="900.00", amount="0.010")
    assert again["revision"] == order["revision"] + 1


async def test_a_price_that_reaches_the_market_fills_at_once(client: Client) -> None:
    order = await place(client, WAITING)
    price = await price_of(client) + 50
    changed = await amended(client, order, price=str(price))
    assert changed["status"] == "FILLED"
    assert Decimal(changed["averagePrice"]) < price


async def test_a_trigger_is_moved_and_fires_at_its_new_place(
    serve: Serve, clock: ManualClock
) -> None:
    client = (await serve(**RICH)).client()
    last = await price_of(client)
    order = await place(
        client, MARKET, type="STOP_MARKET", side="SELL", triggerPrice=str(last - 20_000)
    )
    changed = await amended(client, order, triggerPrice=str(last - 2))
    assert changed["triggerPrice"] == str(last - 2)
    for _ in range(120):
        await clock.advance(5)
        if (await read(client, order))["status"] == "FILLED":
            return
    raise AssertionError("the price never came")


async def test_the_amount_is_the_new_total_and_at_least_what_is_filled(serve: Serve) -> None:
    client, order = await partly_filled(serve)
    below = Decimal(order["filled"]) - Decimal("0.00001")
    told = await amend(client, order, amount=str(below))
    assert (told["code"], told["field"]) == ("INVALID_INPUT", ["input", "amount"])
    assert order["filled"] in told["message"]
    more = Decimal(order["filled"]) + Decimal("0.1")
    changed = await amended(client, order, amount=str(more))
    assert (changed["remaining"], changed["status"]) == ("0.1", "PARTIALLY_FILLED")


async def test_an_amount_that_is_filled_closes_the_order_as_canceled(serve: Serve) -> None:
    client, order = await partly_filled(serve)
    changed = await amended(client, order, amount=order["filled"])
    assert (changed["status"], changed["remaining"]) == ("CANCELED", "0")
    assert changed["closedAt"] is not None
    balance = await place(client, MARKET, amount="0.5")
    assert balance["status"] == "FILLED"


@pytest.mark.parametrize(
    ("changes", "code", "field"),
    [
        ({}, "INVALID_INPUT", ["input", "amount"]),
        ({"amount": "0"}, "INVALID_INPUT", ["input", "amount"]),
        ({"amount": "-1"}, "INVALID_INPUT", ["input", "amount"]),
        ({"amount": "0.010001"}, "PRECISION", ["input", "amount"]),
        ({"price": "999.999"}, "PRECISION", ["input", "price"]),
        ({"price": "0"}, "INVALID_INPUT", ["input", "price"]),
        ({"amount": "0.00001"}, "MIN_NOTIONAL", ["input", "amount"]),
        ({"triggerPrice": "100"}, "INVALID_INPUT", ["input", "triggerPrice"]),
        ({"amount": "1000"}, "INSUFFICIENT_FUNDS", ["input", "amount"]),
    ],
)
async def test_what_cannot_be_is_refused_and_changes_nothing(
    client: Client, changes: dict[str, Any], code: str, field: list[str]
) -> None:
    order = await place(client, WAITING)
    assert await refused(client, order, **changes) == (code, field)


async def test_a_trigger_is_not_moved_to_the_wrong_side(serve: Serve) -> None:
    client = (await serve(**RICH)).client()
    last = await price_of(client)
    order = await place(
        client, MARKET, type="STOP_MARKET", side="SELL", triggerPrice=str(last - 20_000)
    )
    wrong = str(last + 100)
    expected = ("INVALID_INPUT", ["input", "triggerPrice"])
    assert await refused(client, order, triggerPrice=wrong) == expected


async def test_a_post_only_order_is_not_moved_into_the_market(client: Client) -> None:
    order = await place(client, WAITING, timeInForce="POST_ONLY")
    price = await price_of(client) + 50
    code, field = await refused(client, order, price=str(price))
    assert (code, field) == ("REJECTED_BY_EXCHANGE", ["input", "price"])
    assert (await read(client, order))["price"] == "1000"


async def test_what_is_closed_stays_as_it_is(client: Client) -> None:
    filled = await place(client)
    waiting = await place(client, WAITING)
    await client.ask(CANCEL, input={"id": waiting["id"]})
    for order in (filled, waiting):
        assert await refused(client, order, amount="1") == ("ALREADY_CLOSED", None)


async def test_nothing_is_amended_that_is_not_there(client: Client) -> None:
    order = await place(client)
    missing = {**order, "id": order["id"][:-1] + ("0" if order["id"][-1] != "0" else "1")}
    told = await amend(client, missing, amount="1")
    assert (told["code"], told["field"]) == ("NOT_FOUND", ["input", "id"])


async def test_an_order_in_doubt_is_amended_later(client: Client, faults: Faults) -> None:
    faults.lost_after, faults.news_copies = {Call.SUBMIT}, 0
    faults.unavailable = {Call.FIND}
    order = await place(client, WAITING)
    assert order["status"] == "IN_DOUBT"
    told = await amend(client, order, amount="1")
    assert (told["code"], told["retryable"]) == ("INVALID_STATE", True)


async def test_a_lost_answer_is_looked_up(client: Client, faults: Faults) -> None:
    order = await place(client, WAITING)
    faults.lost_after = {Call.AMEND}
    assert (await amended(client, order, price="900"))["price"] == "900"
    faults.lost_after, faults.lost_before = set(), {Call.AMEND}
    told = await amend(client, order, price="800")
    assert (told["code"], told["retryable"]) == ("EXCHANGE_UNAVAILABLE", True)
    assert (await read(client, order))["price"] == "900"


async def test_an_answer_that_nobody_can_look_up_is_learned_later(
    client: Client, faults: Faults, clock: ManualClock
) -> None:
    order = await place(client, WAITING)
    faults.lost_after, faults.news_copies = {Call.AMEND}, 0
    faults.unavailable = {Call.FIND}
    told = await amend(client, order, price="900")
    assert (told["code"], told["retryable"]) == ("EXCHANGE_UNAVAILABLE", True)
    assert (await read(client, order))["price"] == "1000"
    faults.unavailable = set()
    for _ in range(40):
        await clock.advance(1)
        if (await read(client, order))["price"] == "900":
            return
    raise AssertionError("nobody compared")


async def test_an_exchange_that_was_not_reached_leaves_the_order_as_it_was(
    client: Client, faults: Faults
) -> None:
    order = await place(client, WAITING)
    faults.unavailable = {Call.AMEND}
    assert await refused(client, order, price="900") == ("EXCHANGE_UNAVAILABLE", None)
