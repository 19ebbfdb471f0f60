"""Stops and take-profits as a client meets them: placed, held, triggered, filled, canceled."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from app.exchanges.paper.faults import Faults
from app.runtime import Parts
from tests.api.conftest import ADMIN, Api, Serve, running, settings_of
from tests.conftest import on_each_database
from tests.support.api.clients import Client, Data
from tests.support.api.trading import CANCEL, READ, place, price_of, refusal
from tests.support.clock import ManualClock

UPDATES = """subscription ($after: Cursor) { orderUpdates(after: $after) {
  cursor kind previousStatus order { clientOrderId status filled amount price triggerPrice }
  fill { price amount }
} }"""
KINDS = ["STOP_MARKET", "STOP_LIMIT", "TAKE_PROFIT_MARKET", "TAKE_PROFIT_LIMIT"]
SIDES = ["BUY", "SELL"]
RICH = {
    "accounts__paper__exchange": "paper",
    "accounts__paper__paper__balances__USDT": "100000",
    "accounts__paper__paper__balances__BTC": "2",
}
NEAR = Decimal(2)
FAR = Decimal(20_000)


def waits_above(kind: str, side: str) -> bool:
    return kind.startswith("STOP") == (side == "BUY")


def triggered(kind: str, side: str, last: Decimal, distance: Decimal) -> dict[str, Any]:
    """An order of this kind whose trigger stands so far away, on the side where it waits."""
    trigger = last + (distance if waits_above(kind, side) else -distance)
    wanted = {
        "clientOrderId": "it",
        "symbol": "BTC/USDT",
        "side": side,
        "type": kind,
        "amount": "0.01",
        "triggerPrice": str(trigger),
    }
    if kind.endswith("LIMIT"):
        wanted["price"] = str(trigger + (100 if side == "BUY" else -100))
    return wanted


@pytest.fixture
async def rich(serve: Serve) -> Client:
    """Somebody who can sell as well."""
    return (await serve(**RICH)).client()


@pytest.fixture
def begin(
    database_url: str, tmp_path: Path, clock: ManualClock, faults: Faults
) -> AsyncIterator[AbstractAsyncContextManager[Api]]:
    """Starts one server after the other over one database."""
    settings = settings_of(database_url, tmp_path, **RICH)
    parts = Parts(clock=clock, faults={"paper": faults})
    return lambda: running(settings, parts)  # type: ignore[return-value]


async def filled(client: Client, clock: ManualClock, order_id: str) -> Data:
    """The order once it is filled, which takes some minutes of the exchange's time."""
    for _ in range(120):
        order: Data = (await client.ask(READ, id=order_id))["order"]
        if order["status"] == "FILLED":
            return order
        assert order["status"] in {"OPEN", "PARTIALLY_FILLED"}, order
        await clock.advance(5)
    raise AssertionError("the price never came")


@on_each_database
@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("kind", KINDS)
async def test_it_is_placed_waits_through_a_restart_triggers_and_fills(
    begin: Any, clock: ManualClock, kind: str, side: str
) -> None:
    async with begin() as api:
        client = api.client()
        cursor = (await client.ask("{ orders { asOf } }"))["orders"]["asOf"]
        last = await price_of(client)
        order = await place(client, triggered(kind, side, last, NEAR))
        assert (order["status"], order["filled"]) == ("OPEN", "0")
        assert order["triggerPrice"] == str(last + (2 if waits_above(kind, side) else -2))
    async with begin() as api:
        whole = await filled(api.client(), clock, order["id"])
        assert whole["filled"] == "0.01"
        async with api.socket() as socket:
            await socket.init(ADMIN)
            await socket.subscribe("1", UPDATES, after=cursor)
            kinds: list[str] = []
            while not kinds or kinds[-1] != "FILLED":
                update = (await socket.hear_data("1"))["orderUpdates"]
                if update["kind"] == "FILL":
                    kinds.append(update["order"]["status"])
                else:
                    kinds.append(update["kind"])
        assert kinds[:2] == ["SUBMITTED", "ACCEPTED"]
        assert set(kinds[2:-1]) <= {"PARTIALLY_FILLED"}


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("kind", KINDS)
async def test_canceling_it_gives_back_what_was_set_aside(
    rich: Client, kind: str, side: str
) -> None:
    last = await price_of(rich)
    order = await place(rich, triggered(kind, side, last, FAR))
    canceled = (await rich.ask(CANCEL, input={"id": order["id"]}))["cancelOrder"]["order"]
    assert canceled["status"] == "CANCELED"
    everything = triggered(kind, side, last, FAR) | {"clientOrderId": "all", "amount": "1.99"}
    if side == "SELL":
        assert (await place(rich, everything))["status"] == "OPEN"


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("kind", KINDS)
async def test_a_trigger_on_the_wrong_side_of_the_market_is_refused(
    rich: Client, kind: str, side: str
) -> None:
    last = await price_of(rich)
    for distance in (Decimal(0), -FAR):
        told = await refusal(rich, triggered(kind, side, last, distance))
        assert (told["code"], told["field"]) == ("INVALID_INPUT", ["input", "triggerPrice"])
        side_of_market = "above" if waits_above(kind, side) else "below"
        assert f"{side_of_market} the last price, which is {last}" in told["message"]
        assert told["existingOrder"] is None


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"triggerPrice": None}, "triggerPrice"),
        ({"price": None}, "price"),
        ({"type": "STOP_MARKET"}, "price"),
        ({"triggerPrice": "0"}, "triggerPrice"),
        ({"timeInForce": "FOK", "type": "STOP_MARKET", "price": None}, "timeInForce"),
        ({"timeInForce": "POST_ONLY", "type": "STOP_MARKET", "price": None}, "timeInForce"),
    ],
)
async def test_its_form_is_checked(rich: Client, changes: dict[str, Any], field: str) -> None:
    wanted = triggered("STOP_LIMIT", "BUY", await price_of(rich), NEAR)
    told = await refusal(rich, wanted, **changes)
    assert (told["code"], told["field"]) == ("INVALID_INPUT", ["input", field])


async def test_a_trigger_off_the_step_says_the_nearest(rich: Client) -> None:
    last = await price_of(rich)
    wanted = triggered("STOP_MARKET", "BUY", last, NEAR)
    told = await refusal(rich, wanted, triggerPrice=str(last + Decimal("2.005")))
    assert (told["code"], told["field"]) == ("PRECISION", ["input", "triggerPrice"])
    assert str(last + 2) in told["message"]


async def test_reduce_only_without_a_position_is_refused(client: Client) -> None:
    wanted = triggered("STOP_MARKET", "SELL", await price_of(client), NEAR)
    told = await refusal(client, wanted, reduceOnly=True)
    assert (told["code"], told["field"]) == ("INVALID_STATE", ["input", "reduceOnly"])


async def test_a_big_order_fills_in_parts_and_pays_slippage(rich: Client) -> None:
    ticker = await rich.ask('{ ticker(symbol: "BTC/USDT") { ask } }')
    best = Decimal(ticker["ticker"]["ask"])
    order = await place(rich, amount="1")
    fills = (
        await rich.ask(
            "query ($id: ID!) { order(id: $id) { fills { nodes { price amount } } } }",
            id=order["id"],
        )
    )["order"]["fills"]["nodes"]
    prices = [Decimal(fill["price"]) for fill in fills]
    assert len(fills) > 1
    assert prices == sorted(prices)
    assert prices[0] == best
    assert Decimal(order["averagePrice"]) > best
