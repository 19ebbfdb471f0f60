import re
from decimal import Decimal
from typing import Any

import pytest

from app.exchanges.paper.faults import Faults
from tests.api.conftest import Serve, on_shared
from tests.support.api.clients import Client
from tests.support.api.trading import MARKET, WAITING, answer, names, place, refusal

LONG_ID = "x" * 37


@on_shared
@pytest.mark.parametrize(
    ("change", "code", "field"),
    [
        ({"symbol": "NO/SUCH"}, "UNKNOWN_SYMBOL", "symbol"),
        ({"symbol": ""}, "UNKNOWN_SYMBOL", "symbol"),
        ({"account": "nobody"}, "UNKNOWN_ACCOUNT", "account"),
        ({"account": ""}, "UNKNOWN_ACCOUNT", "account"),
        ({"amount": "0"}, "INVALID_INPUT", "amount"),
        ({"amount": "-1"}, "INVALID_INPUT", "amount"),
        ({"amount": "-0"}, "INVALID_INPUT", "amount"),
        ({"amount": "1000"}, "INSUFFICIENT_FUNDS", "amount"),
        ({"amount": "9" * 38}, "INSUFFICIENT_FUNDS", "amount"),
        ({"side": "SELL", "amount": "1"}, "INSUFFICIENT_FUNDS", "amount"),
        ({"amount": "0.00001"}, "MIN_NOTIONAL", "amount"),
        ({"amount": "0.000015"}, "PRECISION", "amount"),
        ({"price": "1000"}, "INVALID_INPUT", "price"),
        ({"triggerPrice": "1000"}, "INVALID_INPUT", "triggerPrice"),
        ({"type": "LIMIT"}, "INVALID_INPUT", "price"),
        ({"type": "LIMIT", "price": "0"}, "INVALID_INPUT", "price"),
        ({"type": "LIMIT", "price": "-5"}, "INVALID_INPUT", "price"),
        ({"type": "LIMIT", "price": "1000.001"}, "PRECISION", "price"),
        ({"timeInForce": "FOK"}, "INVALID_INPUT", "timeInForce"),
        ({"timeInForce": "POST_ONLY"}, "INVALID_INPUT", "timeInForce"),
        ({"leverage": "0"}, "INVALID_INPUT", "leverage"),
        ({"leverage": "3"}, "INVALID_INPUT", "leverage"),
        ({"reduceOnly": True}, "INVALID_INPUT", "reduceOnly"),
        ({"clientOrderId": ""}, "INVALID_INPUT", "clientOrderId"),
        ({"clientOrderId": LONG_ID}, "INVALID_INPUT", "clientOrderId"),
        ({"clientOrderId": "with spaces"}, "INVALID_INPUT", "clientOrderId"),
        ({"clientOrderId": "ünïcödé"}, "INVALID_INPUT", "clientOrderId"),
        ({"clientOrderId": "line\n"}, "INVALID_INPUT", "clientOrderId"),
        ({"clientOrderId": "nul\0"}, "INVALID_INPUT", "clientOrderId"),
        ({"type": "STOP_MARKET"}, "INVALID_INPUT", "triggerPrice"),
        ({"positionType": "MARGIN", "leverage": "5.01"}, "INVALID_INPUT", "leverage"),
        ({"positionType": "MARGIN", "leverage": "0.5"}, "INVALID_INPUT", "leverage"),
        ({"positionType": "SWAP"}, "INVALID_INPUT", "positionType"),
        ({"symbol": "BTC/USDT:USDT", "positionType": "SPOT"}, "INVALID_INPUT", "positionType"),
        ({"symbol": "BTC/USDT:USDT", "positionType": "MARGIN"}, "INVALID_INPUT", "positionType"),
        ({"symbol": "BTC/USDT:USDT"}, "UNSUPPORTED", "positionType"),
    ],
    ids=str,
)
async def test_what_makes_no_sense_is_refused_with_its_field_and_nothing_is_placed(
    shared_client: Client, change: dict[str, Any], code: str, field: str
) -> None:
    told = await refusal(shared_client, MARKET, **change)
    assert (told["code"], told["field"]) == (code, ["input", field])
    assert told["retryable"] is (code == "INSUFFICIENT_FUNDS")
    assert told["existingOrder"] is None
    assert told["message"].isprintable()
    assert await names(shared_client) == set()


async def test_an_exchange_that_is_away_refuses_for_now(client: Client, faults: Faults) -> None:
    faults.is_disconnected = True
    told = await refusal(client, clientOrderId="later")
    assert (told["code"], told["field"]) == ("EXCHANGE_UNAVAILABLE", None)
    assert told["retryable"] is True
    faults.is_disconnected = False
    assert (await place(client, clientOrderId="later"))["status"] == "FILLED"


async def test_one_open_order_too_many_is_refused_for_now(serve: Serve) -> None:
    api = await serve(
        accounts__paper__exchange="paper",
        accounts__paper__max_open_orders="1",
    )
    client = api.client()
    await place(client, WAITING)
    told = await refusal(client, WAITING)
    assert (told["code"], told["retryable"]) == ("RISK_LIMIT", True)


def named_values(message: str) -> list[str]:
    return re.findall(r"[0-9.]+", message.split("valid", 1)[1])


OFF_STEP: list[tuple[dict[str, str], str, list[str]]] = [
    ({"amount": "0.012345678"}, "amount", ["0.01234", "0.01235"]),
    ({"price": "1000.129"}, "price", ["1000.12", "1000.13"]),
    ({"price": "1000.121"}, "price", ["1000.12", "1000.13"]),
    ({"amount": "0.000001", "price": "40000"}, "amount", ["0.00001"]),
]


async def test_what_is_off_the_step_names_the_nearest_values_and_they_are_taken(
    client: Client,
) -> None:
    for change, field, nearest in OFF_STEP:
        told = await refusal(client, WAITING, **change)
        assert (told["code"], told["field"]) == ("PRECISION", ["input", field])
        assert named_values(told["message"]) == nearest
        for value in nearest:
            again = await answer(client, WAITING, **{**change, field: value})
            assert again.get("code") in {None, "MIN_NOTIONAL"}


STEPS = {"BTC/USDT": "0.00001", "ETH/USDT": "0.0001", "SOL/USDT": "0.001"}
TOO_SMALL = [
    {"amount": "0.00001"},
    {"amount": "0.00499"},
    {"amount": "0.00001", "price": "0.01"},
    {"amount": "0.00001", "price": "333.33"},
    {"symbol": "ETH/USDT", "amount": "0.0001", "price": "7.77"},
    {"symbol": "SOL/USDT", "amount": "0.001", "price": "1.13"},
]


async def test_what_is_too_small_names_the_smallest_amount_and_it_is_taken(client: Client) -> None:
    for change in TOO_SMALL:
        told = await refusal(client, WAITING, **change)
        assert (told["code"], told["field"]) == ("MIN_NOTIONAL", ["input", "amount"])
        [smallest] = named_values(told["message"])
        order = await place(client, WAITING, **{**change, "amount": smallest})
        assert order["amount"] == smallest
        step = STEPS[order["symbol"]]
        less = f"{Decimal(smallest) - Decimal(step):f}"
        again = await refusal(client, WAITING, **{**change, "amount": less})
        assert named_values(again["message"]) == [smallest]


async def test_the_smallest_amount_at_the_market_is_taken(client: Client) -> None:
    told = await refusal(client, MARKET, amount="0.00002")
    [smallest] = named_values(told["message"])
    assert (await place(client, MARKET, amount=smallest))["filled"] == smallest
