from typing import Any

import pytest

from tests.api.conftest import Serve
from tests.conftest import on_each_database
from tests.support.api.clients import Client, Data
from tests.support.api.trading import PLACE_MANY, WAITING, names


async def place_many(client: Client, *changes: dict[str, Any]) -> list[Data]:
    inputs = [{**WAITING, **change} for change in changes]
    placed: list[Data] = (await client.ask(PLACE_MANY, inputs=inputs))["placeOrders"]
    return placed


@on_each_database
async def test_a_hundred_are_answered_in_their_order(client: Client) -> None:
    wanted = [{"clientOrderId": f"n-{number}", "amount": "0.005"} for number in range(100)]
    placed = await place_many(client, *wanted)
    assert [one["order"]["clientOrderId"] for one in placed] == [
        one["clientOrderId"] for one in wanted
    ]
    assert {one["order"]["status"] for one in placed} == {"OPEN"}


async def test_one_alone_is_a_batch(client: Client) -> None:
    [placed] = await place_many(client, {"clientOrderId": "one"})
    assert placed["order"]["clientOrderId"] == "one"


@pytest.mark.parametrize("size", [0, 101])
async def test_none_and_more_than_a_hundred_are_bad_input(client: Client, size: int) -> None:
    inputs = [dict(WAITING)] * size
    message, extensions = await client.refused(PLACE_MANY, inputs=inputs)
    assert extensions == {"code": "BAD_USER_INPUT", "field": ["inputs"]}
    assert str(size) in message
    assert await names(client) == set()


async def test_each_is_judged_by_itself(client: Client) -> None:
    told = await place_many(
        client,
        {"clientOrderId": "good"},
        {"amount": "0"},
        {"account": "nobody"},
        {"clientOrderId": "good too"},
        {"clientOrderId": "last"},
    )
    assert [one.get("code") for one in told] == [
        None, "INVALID_INPUT", "UNKNOWN_ACCOUNT", "INVALID_INPUT", None,
    ]  # fmt: skip
    assert told[1]["field"] == ["inputs", "1", "amount"]
    assert told[2]["field"] == ["inputs", "2", "account"]
    assert told[3]["field"] == ["inputs", "3", "clientOrderId"]
    assert await names(client) == {"good", "last"}


async def test_an_id_twice_in_one_batch_is_a_repeat_or_a_conflict(client: Client) -> None:
    first, again, other = await place_many(
        client,
        {"clientOrderId": "twin"},
        {"clientOrderId": "twin"},
        {"clientOrderId": "twin", "amount": "0.02"},
    )
    assert (first["replayed"], again["replayed"]) == (False, True)
    assert again["order"]["id"] == first["order"]["id"]
    assert other["code"] == "IDEMPOTENCY_CONFLICT"
    assert other["existingOrder"]["id"] == first["order"]["id"]


async def test_a_value_that_cannot_be_read_is_told_before_anything_is_placed(
    client: Client,
) -> None:
    inputs = [{**WAITING, "clientOrderId": f"n-{number}"} for number in range(4)]
    inputs[3]["symbol"] = "x" * 201
    _, extensions = await client.refused(PLACE_MANY, inputs=inputs)
    assert extensions == {"code": "BAD_USER_INPUT", "field": ["inputs", "3", "symbol"]}
    assert await names(client) == set()


async def test_an_account_that_must_be_named_is_told_before_anything_is_placed(
    serve: Serve,
) -> None:
    api = await serve(accounts__one__exchange="paper", accounts__two__exchange="paper")
    client = api.client()
    inputs = [{**WAITING, "account": "one"}, dict(WAITING)]
    message, extensions = await client.refused(PLACE_MANY, inputs=inputs)
    assert extensions == {"code": "BAD_USER_INPUT", "field": ["inputs", "1", "account"]}
    assert "one, two" in message
    assert await names(client) == set()
