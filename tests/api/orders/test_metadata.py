import json
from typing import Any

import pytest

from tests.api.conftest import on_shared
from tests.conftest import on_each_database
from tests.support.api.clients import Client, Data
from tests.support.api.trading import CHANGED, PLACE, READ, WAITING, answer, names, place

SET = f"""mutation ($id: ID!, $metadata: JSON!) {{
  setOrderMetadata(id: $id, metadata: $metadata) {{ {CHANGED} }}
}}"""
HISTORY = """query ($id: ID!) {
  order(id: $id) { metadata history { nodes { order { metadata } } } }
}"""
NOBODY = "ord_01M7YQZSSRYNK1V0VAAQ8M6GHS"
KINDS: dict[str, Any] = {
    "text": "ünï☃𝄞\u0000\u001f\u2028 \"'\\",
    "\u0000": "a key",
    "": None,
    "numbers": [0, -1, 2**64 - 1, -(2**63), 1.5, 1e300, 0.1],
    "nested": {"a": {"b": {"c": {"d": {"e": {"f": []}}}}}},
    "flags": [True, False],
}


async def set_metadata(client: Client, order_id: str, metadata: object) -> Data:
    told: Data = (await client.ask(SET, id=order_id, metadata=metadata))["setOrderMetadata"]
    return told


@on_each_database
async def test_whatever_json_can_say_comes_back_the_same(client: Client) -> None:
    order = await place(client, WAITING, clientOrderId="mine", metadata=KINDS)
    assert order["metadata"] == KINDS
    told = await client.ask(HISTORY, id=order["id"])
    assert told["order"]["metadata"] == KINDS
    assert told["order"]["history"]["nodes"][0]["order"]["metadata"] == KINDS
    again = await answer(client, WAITING, clientOrderId="mine", metadata=KINDS)
    assert again["replayed"] is True


async def test_metadata_is_replaced_whole(client: Client) -> None:
    order = await place(client, WAITING, metadata={"a": 1})
    assert (await set_metadata(client, order["id"], {"b": 2}))["order"]["metadata"] == {"b": 2}
    assert (await set_metadata(client, order["id"], {}))["order"]["metadata"] == {}
    read = (await client.ask(READ, id=order["id"]))["order"]
    assert read["metadata"] == {}
    assert [one["kind"] for one in read["history"]["nodes"]][2:] == ["METADATA", "METADATA"]


async def test_metadata_of_nothing_is_not_found(client: Client) -> None:
    told = await set_metadata(client, NOBODY, {})
    assert (told["code"], told["field"]) == ("NOT_FOUND", ["id"])


async def test_a_malformed_id_is_bad_input(client: Client) -> None:
    _, extensions = await client.refused(SET, id="garbage", metadata={})
    assert extensions == {"code": "BAD_USER_INPUT", "field": ["id"]}


def deep(levels: int) -> object:
    value: object = {}
    for _ in range(levels - 1):
        value = {"a": value}
    return value


BAD = {
    "a list": "[]",
    "a text": '"text"',
    "a number": "5",
    "a float": "1.5",
    "1e999": '{"a": 1e999}',
    "1000 digits": f'{{"a": {"9" * 1000}}}',
    "100 digits": f'{{"a": {"9" * 100}}}',
    "beyond 64 bits": f'{{"a": {2**64}}}',
    "below 64 bits": f'{{"a": [{-(2**63) - 1}]}}',
    "half a character": '{"a": "\\ud800"}',
    "half a character as key": '{"\\udfff": 1}',
    "9 deep": json.dumps(deep(9)),
    "40 deep": json.dumps(deep(40)),
    "more than 8 KiB": json.dumps({"a": "x" * 8185}),
    "200 KB": json.dumps({"a": ["x" * 1000] * 200}),
}


@on_shared
@pytest.mark.parametrize("metadata", BAD.values(), ids=BAD.keys())
async def test_what_metadata_cannot_hold_is_refused_in_words(
    shared_client: Client, metadata: str
) -> None:
    wanted = json.dumps({"query": PLACE, "variables": {"input": {**WAITING, "metadata": 0}}})
    told = await post(shared_client, wanted.replace('"metadata": 0', f'"metadata": {metadata}'))
    assert_refused(told["placeOrder"], ["input", "metadata"])
    assert await names(shared_client) == set()


async def test_what_metadata_cannot_hold_replaces_nothing(client: Client) -> None:
    order = await place(client, WAITING, metadata={"a": 1})
    wanted = json.dumps({"query": SET, "variables": {"id": order["id"], "metadata": 0}})
    for metadata in BAD.values():
        told = await post(client, wanted.replace('"metadata": 0', f'"metadata": {metadata}'))
        assert_refused(told["setOrderMetadata"], ["metadata"])
    assert (await client.ask(READ, id=order["id"]))["order"]["metadata"] == {"a": 1}


async def post(client: Client, body: str) -> Data:
    told: Data = (await client.post(content=body.encode())).json()
    assert "errors" not in told, told
    data: Data = told["data"]
    return data


def assert_refused(told: Data, field: list[str]) -> None:
    assert (told["code"], told["field"]) == ("INVALID_INPUT", field)
    assert told["message"].startswith("metadata ")
    assert len(told["message"]) < 120


LITERALS = ["1e999", "9" * 6000, "9" * 100, str(2**64), "[[[[[[[[1]]]]]]]]", f'"{"x" * 9000}"']


async def test_a_literal_is_judged_by_the_same_rules(client: Client) -> None:
    order = await place(client, WAITING)
    for literal in LITERALS:
        document = f"""mutation {{
          setOrderMetadata(id: "{order["id"]}", metadata: {{a: {literal}}}) {{ {CHANGED} }}
        }}"""
        assert_refused((await client.ask(document))["setOrderMetadata"], ["metadata"])


async def test_a_literal_says_whatever_json_can(client: Client) -> None:
    order = await place(client, WAITING)
    document = f"""mutation ($it: JSON, $other: Int) {{
      setOrderMetadata(id: "{order["id"]}", metadata: {{
        a: [1, -2.5, "three", true, null, {{b: $it}}, $other, FOUR]
      }}) {{ {CHANGED} }}
    }}"""
    told = (await client.ask(document, it={"c": [5]}, other=6))["setOrderMetadata"]
    assert told["order"]["metadata"] == {
        "a": [1, -2.5, "three", True, None, {"b": {"c": [5]}}, 6, "FOUR"]
    }


async def test_exactly_8_kib_and_8_deep_are_taken(client: Client) -> None:
    whole: Any = {"a": "x" * 8184}
    order = await place(client, WAITING, metadata=whole)
    assert order["metadata"] == whole
    assert (await set_metadata(client, order["id"], deep(8)))["order"]["metadata"] == deep(8)
