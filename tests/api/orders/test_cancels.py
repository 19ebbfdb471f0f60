from typing import Any

import pytest

from app.exchanges.paper.faults import Call, Faults
from tests.api.conftest import Serve, on_shared
from tests.support.api.clients import Client, Data
from tests.support.api.trading import CANCEL, CANCEL_ALL, MARKET, WAITING, place

NOBODY = "ord_01M7YQZSSRYNK1V0VAAQ8M6GHS"


async def cancel(client: Client, **wanted: Any) -> Data:
    told: Data = (await client.ask(CANCEL, input=wanted))["cancelOrder"]
    return told


async def cancel_all(client: Client, wanted: object) -> tuple[list[str], list[Data]]:
    told = (await client.ask(CANCEL_ALL, input=wanted))["cancelAllOrders"]
    return [order["clientOrderId"] for order in told["canceled"]], told["failed"]


@pytest.mark.parametrize(
    "named", [("id",), ("clientOrderId",), ("clientOrderId", "account")], ids=" and ".join
)
async def test_an_order_is_canceled_by_whatever_names_it(
    client: Client, named: tuple[str, ...]
) -> None:
    order = await place(client, WAITING, clientOrderId="mine")
    ways = {"id": order["id"], "clientOrderId": "mine", "account": "paper"}
    told = await cancel(client, **{name: ways[name] for name in named})
    assert told["order"]["id"] == order["id"]
    assert told["order"]["status"] == "CANCELED"
    assert told["order"]["closedAt"] is not None
    assert told["order"]["cancelRequestedAt"] is not None


@on_shared
@pytest.mark.parametrize(
    ("wanted", "field"),
    [
        ({}, "id"),
        ({"id": NOBODY, "clientOrderId": "mine"}, "id"),
        ({"id": NOBODY, "account": "paper"}, "account"),
        ({"account": "paper"}, "id"),
    ],
    ids=str,
)
async def test_an_order_must_be_named_in_exactly_one_way(
    shared_client: Client, wanted: dict[str, str], field: str
) -> None:
    told = await cancel(shared_client, **wanted)
    assert (told["code"], told["field"]) == ("INVALID_INPUT", ["input", field])


async def test_what_does_not_exist_is_not_found(client: Client) -> None:
    for wanted in ({"id": NOBODY}, {"clientOrderId": "nobody"}):
        told = await cancel(client, **wanted)
        assert told["code"] == "NOT_FOUND"
        assert told["field"][0] == "input"


@on_shared
@pytest.mark.parametrize(
    ("wanted", "field"),
    [
        ({"id": "garbage"}, "id"),
        ({"id": ""}, "id"),
        ({"id": "acc_paper"}, "id"),
        ({"clientOrderId": "x" * 201}, "clientOrderId"),
        ({"clientOrderId": "nul\0"}, "clientOrderId"),
    ],
    ids=ascii,
)
async def test_a_malformed_name_is_bad_input_told_from_the_root(
    shared_client: Client, wanted: dict[str, str], field: str
) -> None:
    message, extensions = await shared_client.refused(CANCEL, input=wanted)
    assert extensions == {"code": "BAD_USER_INPUT", "field": ["input", field]}
    assert not wanted[field] or wanted[field] not in message


async def test_canceling_again_changes_nothing(client: Client) -> None:
    order = await place(client, WAITING)
    first = await cancel(client, id=order["id"])
    assert (await cancel(client, id=order["id"])) == first
    expired = await place(client, WAITING, timeInForce="IOC")
    assert (await cancel(client, id=expired["id"]))["order"]["status"] == "EXPIRED"


async def test_a_filled_order_can_no_longer_be_canceled(client: Client) -> None:
    order = await place(client)
    told = await cancel(client, id=order["id"])
    assert (told["code"], told["retryable"]) == ("ALREADY_CLOSED", False)
    assert told["existingOrder"]["id"] == order["id"]


async def test_a_cancel_without_an_answer_keeps_the_wish(client: Client, faults: Faults) -> None:
    order = await place(client, WAITING)
    faults.unavailable = {Call.CANCEL}
    told = await cancel(client, id=order["id"])
    assert told["order"]["status"] == "OPEN"
    assert told["order"]["cancelRequestedAt"] is not None


MATCHING: list[tuple[object, set[str]]] = [
    ({"symbol": "SOL/USDT"}, set()),
    ({"sources": ["BOT", "EXTERNAL"]}, set()),
    ({"sources": []}, set()),
    ({"symbol": "BTC/USDT"}, {"b"}),
    ({"account": "paper", "symbol": "ETH/USDT", "sources": ["API"]}, {"e"}),
    ({"account": "paper"}, {"b", "e"}),
    ({"sources": ["API"]}, {"b", "e"}),
    ({"sources": None, "symbol": None, "account": None}, {"b", "e"}),
    ({}, {"b", "e"}),
    (None, {"b", "e"}),
]


async def test_all_open_orders_that_match_are_canceled(client: Client) -> None:
    await place(client, MARKET, clientOrderId="filled")
    for number, (wanted, canceled) in enumerate(MATCHING):
        await place_both(client, f"-{number}")
        found, failed = await cancel_all(client, wanted)
        assert ({name.split("-")[0] for name in found}, failed) == (canceled, [])
        rest, _ = await cancel_all(client, None)
        assert {name.split("-")[0] for name in rest} == {"b", "e"} - canceled


async def place_both(client: Client, suffix: str) -> None:
    """One order on each of two markets."""
    ethereum = {"symbol": "ETH/USDT", "amount": "1", "price": "10"}
    await place(client, WAITING, clientOrderId=f"b{suffix}")
    await place(client, WAITING, clientOrderId=f"e{suffix}", **ethereum)


@on_shared
@pytest.mark.parametrize(
    ("wanted", "extensions"),
    [
        (
            {"account": "nobody"},
            {"code": "BAD_USER_INPUT", "reason": "UNKNOWN_ACCOUNT", "field": ["input", "account"]},
        ),
        ({"symbol": "x" * 201}, {"code": "BAD_USER_INPUT", "field": ["input", "symbol"]}),
        ({"sources": ["API"] * 501}, {"code": "BAD_USER_INPUT", "field": ["input", "sources"]}),
    ],
    ids=lambda it: next(iter(it)),
)
async def test_a_bad_value_without_a_refusal_to_hold_it_is_an_error_with_its_field(
    shared_client: Client, wanted: object, extensions: Data
) -> None:
    assert (await shared_client.refused(CANCEL_ALL, input=wanted))[1] == extensions


async def test_an_account_left_out_means_every_one(serve: Serve) -> None:
    api = await serve(accounts__one__exchange="paper", accounts__two__exchange="paper")
    client = api.client()
    for account in ("one", "two"):
        await place(client, WAITING, account=account, clientOrderId=account)
    assert await cancel_all(client, {"account": "two"}) == (["two"], [])
    assert await cancel_all(client, None) == (["one"], [])
