import json

import httpx
import pytest

from tests.api.clients import Client, Data
from tests.api.conftest import Api, on_shared

TWO = "query A { a: viewer { name } } query B { b: viewer { name } }"


def only_error(answer: httpx.Response) -> Data:
    told = answer.json()
    assert set(told) <= {"errors", "data"}
    assert told.get("data") is None
    [error] = told["errors"]
    assert error["message"].isprintable()
    found: Data = error
    return found


@on_shared
async def test_of_several_operations_one_must_be_named(shared_client: Client) -> None:
    answer = await shared_client.post({"query": TWO})
    error = only_error(answer)
    assert error["extensions"] == {"code": "GRAPHQL_VALIDATION_FAILED"}
    assert error["message"] == "operationName must say which of the 2 operations to run"


@on_shared
@pytest.mark.parametrize("name", ["A", "B"])
async def test_the_operation_that_is_named_is_run(shared_client: Client, name: str) -> None:
    for _ in range(2):
        answer = await shared_client.post({"query": TWO, "operationName": name})
        assert list(answer.json()["data"]) == [name.lower()]


@on_shared
@pytest.mark.parametrize("name", ["secret", "", "a", 5, ["A"], {}], ids=str)
@pytest.mark.parametrize("query", [TWO, "{ viewer { name } }"], ids=["two", "one"])
async def test_an_operation_that_is_not_there_is_an_error(
    shared_client: Client, name: object, query: str
) -> None:
    answer = await shared_client.post({"query": query, "operationName": name})
    assert answer.status_code == 400
    error = only_error(answer)
    assert error["extensions"] == {"code": "GRAPHQL_VALIDATION_FAILED"}
    assert "secret" not in error["message"]


@on_shared
@pytest.mark.parametrize("query", ["", "   ", "# nothing\n", "fragment F on Query { __typename }"])
async def test_a_document_without_an_operation_is_an_error(
    shared_client: Client, query: str
) -> None:
    answer = await shared_client.post({"query": query})
    error = only_error(answer)
    assert error["extensions"]["code"] in {"GRAPHQL_PARSE_FAILED", "GRAPHQL_VALIDATION_FAILED"}


@on_shared
async def test_an_empty_query_is_a_graphql_error_in_json(shared_client: Client) -> None:
    for body in ({"query": ""}, {"query": None}, {}):
        answer = await shared_client.post(body)
        assert answer.status_code == 400
        assert answer.headers["content-type"] == "application/json"
        assert only_error(answer)["extensions"] == {"code": "GRAPHQL_PARSE_FAILED"}


HOSTILE = {
    "nothing": b"",
    "no json": b"{",
    "bad utf-8": b'{"query": "\xff"}',
    "a number": b"5",
    "null": b"null",
    "a text": b'"{ viewer { name } }"',
    "a list": b'[{"query": "{ viewer { name } }"}]',
    "an empty list": b"[]",
    "very deep": b"[" * 100_000,
    "query is a number": b'{"query": 5}',
    "variables is a list": b'{"query": "{ viewer { name } }", "variables": []}',
    "variables is a text": b'{"query": "{ viewer { name } }", "variables": "{}"}',
    "extensions is a number": b'{"query": "{ viewer { name } }", "extensions": 5}',
}


@on_shared
@pytest.mark.parametrize("body", HOSTILE.values(), ids=HOSTILE.keys())
async def test_a_body_that_is_no_request_is_a_graphql_error_in_json(
    shared_client: Client, body: bytes
) -> None:
    answer = await shared_client.post(content=body)
    assert answer.status_code == 400
    assert only_error(answer)["extensions"]["code"] == "BAD_USER_INPUT"


@on_shared
async def test_a_content_type_that_is_not_json_is_a_graphql_error_in_json(
    shared_client: Client,
) -> None:
    for kind in (
        "text/plain",
        "multipart/form-data; boundary=x",
        "application/x-www-form-urlencoded",
    ):
        answer = await shared_client.post({"query": "{ viewer { name } }"}, Content_Type=kind)
        assert answer.status_code == 400
        assert only_error(answer)["extensions"]["code"] == "BAD_USER_INPUT"


@on_shared
async def test_a_query_may_come_by_get_and_a_mutation_may_not(shared_client: Client) -> None:
    answer = await shared_client.get(query="{ viewer { name } }")
    assert answer.json()["data"]["viewer"]["name"]
    answer = await shared_client.get(query="mutation { cancelAllOrders { failed { code } } }")
    assert answer.status_code == 400
    assert only_error(answer)["extensions"] == {"code": "BAD_USER_INPUT"}
    for params in ({}, {"variables": "{"}, {"query": "{ viewer { name } }", "variables": "[1]"}):
        answer = await shared_client.get(**params)
        assert answer.status_code == 400
        only_error(answer)


@on_shared
async def test_another_method_is_a_graphql_error_in_json(
    shared_api: Api, shared_client: Client
) -> None:
    headers = {"Authorization": f"Bearer {shared_api.token}"}
    answer = await shared_api.http.put(shared_api.address.http, headers=headers)
    assert answer.status_code == 405
    assert only_error(answer)["extensions"]["code"] == "BAD_USER_INPUT"


NUMBERS = {
    "NaN",
    "Infinity",
    "-Infinity",
    "1e999",
    "9" * 6000,
    "0.1",
    "true",
    "[]",
    "{}",
    '"1_000"',
}


@on_shared
@pytest.mark.parametrize("amount", sorted(NUMBERS), ids=lambda it: f"{it[:9]}")
async def test_what_is_no_exact_decimal_is_bad_input(shared_client: Client, amount: str) -> None:
    order = {"symbol": "BTC/USDT", "side": "BUY", "type": "MARKET", "amount": "HERE"}
    query = "mutation ($it: PlaceOrderInput!) { placeOrder(input: $it) { __typename } }"
    body = json.dumps({"query": query, "variables": {"it": order}}).replace('"HERE"', amount)
    error = only_error(await shared_client.post(content=body.encode()))
    assert error["extensions"]["code"] == "BAD_USER_INPUT"
    assert amount[:9] not in error["message"] or len(amount) < 5
    assert "amount" in error["message"]


@on_shared
@pytest.mark.parametrize("number", ["NaN", "1e999", "9" * 6000, "1.5"], ids=lambda it: it[:9])
async def test_what_is_no_whole_number_is_bad_input(shared_client: Client, number: str) -> None:
    query = "query ($it: Int) { orders(first: $it) { totalCount } }"
    body = json.dumps({"query": query, "variables": {"it": 0}}).replace(
        '"it": 0', f'"it": {number}'
    )
    error = only_error(await shared_client.post(content=body.encode()))
    assert error["extensions"]["code"] == "BAD_USER_INPUT"


@on_shared
async def test_a_subscription_over_plain_http_is_refused(shared_client: Client) -> None:
    answer = await shared_client.post({"query": "subscription { orderUpdates { cursor } }"})
    assert answer.status_code == 400
    error = only_error(answer)
    assert error["extensions"] == {"code": "BAD_USER_INPUT"}
    assert "WebSocket" in error["message"]


@on_shared
async def test_a_host_that_is_not_ours_is_refused(shared_api: Api, shared_client: Client) -> None:
    for host in ("evil.example.com", "127.0.0.1.evil.example.com", ""):
        answer = await shared_client.post({"query": "{ viewer { name } }"}, Host=host)
        assert answer.status_code == 400
        assert "name" not in answer.text
