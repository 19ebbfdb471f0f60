import gzip
import json
from typing import Any

import httpx
import pytest

from tests.api.conftest import on_shared
from tests.support.api.clients import Client, Data

GRAPHQL = "application/graphql-response+json"
TWO = "query A { a: viewer { name } } query B { b: viewer { name } }"


def only_error(answer: httpx.Response) -> Data:
    told = answer.json()
    assert set(told) == {"errors"}
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
@pytest.mark.parametrize("name", ["secret", "", "a"])
@pytest.mark.parametrize("query", [TWO, "{ viewer { name } }"], ids=["two", "one"])
async def test_an_operation_that_is_not_there_is_an_error(
    shared_client: Client, name: str, query: str
) -> None:
    answer = await shared_client.post({"query": query, "operationName": name}, Accept=GRAPHQL)
    assert answer.status_code == 400
    error = only_error(answer)
    assert error["extensions"] == {"code": "GRAPHQL_VALIDATION_FAILED"}
    assert "secret" not in error["message"]


@on_shared
@pytest.mark.parametrize("query", ["", "   ", "# nothing\n", "fragment F on Query { __typename }"])
async def test_a_document_without_an_operation_is_an_error(
    shared_client: Client, query: str
) -> None:
    answer = await shared_client.post({"query": query}, Accept=GRAPHQL)
    assert answer.status_code == 400
    error = only_error(answer)
    assert error["extensions"]["code"] in {"GRAPHQL_PARSE_FAILED", "GRAPHQL_VALIDATION_FAILED"}


@on_shared
async def test_a_request_without_a_query_is_a_graphql_error_in_json(shared_client: Client) -> None:
    for body in ({"query": None}, {}, {"qeury": "{ viewer { name } }"}):
        answer = await shared_client.post(body)
        assert answer.status_code == 400
        assert answer.headers["content-type"] == "application/json; charset=utf-8"
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
    "utf-16": '{"query": "{ viewer { name } }"}'.encode("utf-16"),
    "a mark of the byte order": b'\xef\xbb\xbf{"query": "{ viewer { name } }"}',
    "query is a number": b'{"query": 5}',
    "query is false": b'{"query": false}',
    "query is a list": b'{"query": ["{ viewer { name } }"]}',
    "query is an object": b'{"query": {}}',
    "operationName is a number": b'{"query": "{ viewer { name } }", "operationName": 0}',
    "operationName is false": b'{"query": "{ viewer { name } }", "operationName": false}',
    "operationName is an object": b'{"query": "{ viewer { name } }", "operationName": {}}',
    "variables is a list": b'{"query": "{ viewer { name } }", "variables": []}',
    "variables is a text": b'{"query": "{ viewer { name } }", "variables": "{}"}',
    "extensions is a number": b'{"query": "{ viewer { name } }", "extensions": 5}',
}
NO_JSON = {
    "NaN": "NaN",
    "infinite": "Infinity",
    "minus infinity": "-Infinity",
    "6,000 digits": "9" * 6000,
    "minus 6,000 digits": "-" + "9" * 6000,
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
@pytest.mark.parametrize("number", NO_JSON.values(), ids=NO_JSON.keys())
@pytest.mark.parametrize("place", ["%s", '{"it": %s}', '{"it": [{"a": [%s]}]}'])
@pytest.mark.parametrize("name", ["variables", "extensions"])
async def test_a_number_that_is_no_json_is_refused_wherever_it_stands(
    shared_client: Client, number: str, place: str, name: str
) -> None:
    value = place % number
    body = f'{{"query": "{{ __typename }}", "{name}": {value}}}'
    posted = await shared_client.post(content=body.encode())
    got = await shared_client.get(query="{ __typename }", **{name: value})
    for answer, what in ((posted, "the body"), (got, name)):
        assert answer.status_code == 400
        assert only_error(answer)["message"] == f"{what} must be JSON"


@on_shared
async def test_a_whole_number_may_have_a_thousand_digits(shared_client: Client) -> None:
    for digits, status in ((1000, 200), (1001, 400)):
        body = f'{{"query": "{{ __typename }}", "variables": {{"it": {"9" * digits}}}}}'
        assert (await shared_client.post(content=body.encode())).status_code == status


@on_shared
@pytest.mark.parametrize(
    "kind",
    [
        "",
        "text/plain",
        "text/plain; a=application/json",
        "multipart/form-data; boundary=x",
        "application/x-www-form-urlencoded",
        "application/graphql",
        "application/json; charset=utf-16",
        "application/jsonp",
    ],
)
async def test_a_body_of_another_media_type_is_refused(shared_client: Client, kind: str) -> None:
    answer = await shared_client.post({"query": "{ viewer { name } }"}, Content_Type=kind)
    assert answer.status_code == 415
    assert only_error(answer)["extensions"]["code"] == "BAD_USER_INPUT"


@on_shared
@pytest.mark.parametrize(
    "kind",
    [
        "application/json",
        "Application/JSON",
        "application/json;charset=UTF-8",
        'application/json; charset="utf-8"; a=b',
    ],
)
async def test_json_may_say_that_it_is_in_utf_8(shared_client: Client, kind: str) -> None:
    query = "query ($it: String!) { __type(name: $it) { name } }"
    body = json.dumps({"query": query, "variables": {"it": "🏃"}}, ensure_ascii=False)
    answer = await shared_client.post(content=body.encode(), Content_Type=kind)
    assert answer.json() == {"data": {"__type": None}}


@on_shared
async def test_a_compressed_body_is_refused(shared_client: Client) -> None:
    body = gzip.compress(b'{"query": "{ viewer { name } }"}')
    answer = await shared_client.post(content=body, Content_Encoding="gzip")
    assert answer.status_code == 415
    assert answer.headers["accept-encoding"] == "identity"
    only_error(answer)


@on_shared
async def test_what_may_be_left_out_may_be_null_and_what_is_unknown_is_left_alone(
    shared_client: Client,
) -> None:
    nothing = {"variables": None, "operationName": None, "extensions": None}
    more = {"variables": {}, "extensions": {"some": "value"}, "id": 5, "doc_id": None}
    for rest in (nothing, more):
        answer = await shared_client.post({"query": "{ __typename }", **rest})
        assert answer.json() == {"data": {"__typename": "Query"}}


@on_shared
async def test_a_query_may_come_by_get_and_a_mutation_may_not(shared_client: Client) -> None:
    answer = await shared_client.get(query="{ viewer { name } }")
    assert answer.json()["data"]["viewer"]["name"]
    answer = await shared_client.get(query="mutation { cancelAllOrders { failed { code } } }")
    assert answer.status_code == 405
    assert answer.headers["allow"] == "POST"
    assert only_error(answer)["extensions"] == {"code": "BAD_USER_INPUT"}


@on_shared
async def test_a_get_has_its_parameters_in_the_address(shared_client: Client) -> None:
    query = "query A($it: String!) { __type(name: $it) { name } } query B { __typename }"
    answer = await shared_client.get(query=query, operationName="A", variables='{"it": "Order"}')
    assert answer.json() == {"data": {"__type": {"name": "Order"}}}
    answer = await shared_client.get(query="{ __typename }", operationName="", variables="")
    assert answer.json() == {"data": {"__typename": "Query"}}


@on_shared
@pytest.mark.parametrize(
    "params",
    [
        {},
        {"variables": "{}"},
        {"query": "{ __typename }", "variables": "{"},
        {"query": "{ __typename }", "variables": "[1]"},
        {"query": "{ __typename }", "variables": "5"},
        {"query": "{ __typename }", "extensions": "[]"},
        {"query": ["{ __typename }", "{ __typename }"]},
    ],
    ids=str,
)
async def test_a_get_that_is_no_request_is_a_graphql_error_in_json(
    shared_client: Client, params: dict[str, Any]
) -> None:
    answer = await shared_client.get(**params)
    assert answer.status_code == 400
    only_error(answer)


NUMBERS = {
    "1e999",
    "9" * 1000,
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
@pytest.mark.parametrize("number", ["1e999", "9" * 1000, "1.5"], ids=lambda it: it[:9])
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
