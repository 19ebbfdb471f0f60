from datetime import timedelta
from typing import Any

import pytest

from tests.api.conftest import ADMIN, Api, Serve, on_shared
from tests.conftest import START
from tests.support.api.clients import Client, Data
from tests.support.api.trading import WAITING, place
from tests.support.clock import ManualClock

TOKEN = "id name scopes accountNames createdAt expiresAt lastUsedAt revokedAt"
RESULT = f"""__typename
  ... on CreateTokenSuccess {{ secret token {{ {TOKEN} }} }}
  ... on Refusal {{ code message field }}"""
CREATE = f"mutation ($input: CreateTokenInput!) {{ createToken(input: $input) {{ {RESULT} }} }}"
REVOKE = f"""mutation ($id: ID!) {{ revokeToken(id: $id) {{ __typename
  ... on RevokeTokenSuccess {{ token {{ {TOKEN} }} }}
  ... on Refusal {{ code message field }}
}} }}"""
WHO = "{ viewer { name scopes accountNames } }"


async def create(client: Client, **wanted: Any) -> Data:
    given = {"name": "a client", "scopes": ["READ"], **wanted}
    told: Data = (await client.ask(CREATE, input=given))["createToken"]
    return told


async def make_token(client: Client, **wanted: Any) -> str:
    """The secret of a new token."""
    secret: str = (await create(client, **wanted))["secret"]
    return secret


async def revoke(client: Client, id_: str) -> Data:
    told: Data = (await client.ask(REVOKE, id=id_))["revokeToken"]
    return told


async def test_a_new_token_opens_the_door_and_its_secret_is_shown_once(api: Api) -> None:
    admin = api.client()
    told = await create(admin, name="mine", scopes=["TRADE", "READ"], accountNames=["paper"])
    assert (
        told["token"].items()
        >= {
            "name": "mine",
            "scopes": ["READ", "TRADE"],
            "accountNames": ["paper"],
            "expiresAt": None,
            "revokedAt": None,
        }.items()
    )
    who = await api.client(told["secret"]).ask(WHO)
    assert who["viewer"] == {
        "name": "mine", "scopes": ["READ", "TRADE"], "accountNames": ["paper"],
    }  # fmt: skip
    listed = await admin.response(f"{{ tokens {{ {TOKEN} }} }}")
    assert told["token"]["id"] in str(listed)
    assert told["secret"] not in str(listed)


@pytest.mark.parametrize(
    ("wanted", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "  "}, "name"),
        ({"name": "nul\0"}, "name"),
        ({"name": "x" * 101}, "name"),
        ({"scopes": []}, "scopes"),
        ({"expiresAt": "2026-01-05T12:00:00Z"}, "expiresAt"),
        ({"expiresAt": "1999-01-05T12:00:00Z"}, "expiresAt"),
        ({"accountNames": []}, "accountNames"),
        ({"accountNames": ["nobody"]}, "accountNames"),
        ({"accountNames": ["paper", "nul\0"]}, "accountNames"),
    ],
    ids=ascii,
)
@on_shared
async def test_a_token_that_makes_no_sense_is_refused(
    shared_client: Client, wanted: Data, field: str
) -> None:
    told = await create(shared_client, **wanted)
    assert (told["code"], told["field"]) == ("INVALID_INPUT", ["input", field])
    assert "nul\0" not in told["message"]


async def test_a_revoked_token_opens_nothing_and_stays_in_the_list(api: Api) -> None:
    admin = api.client()
    told = await create(admin)
    client = api.client(told["secret"])
    await client.ask(WHO)
    revoked = await revoke(admin, told["token"]["id"])
    assert revoked["token"]["revokedAt"] is not None
    message, extensions = await client.refused(WHO)
    assert (message, extensions) == ("this token was revoked", {"code": "UNAUTHENTICATED"})
    assert await revoke(admin, told["token"]["id"]) == revoked
    listed = (await admin.ask(f"{{ tokens {{ {TOKEN} }} }}"))["tokens"]
    assert told["token"]["id"] in [token["id"] for token in listed]


async def test_an_expired_token_opens_nothing(api: Api, clock: ManualClock) -> None:
    until = (START + timedelta(seconds=60)).isoformat()
    client = api.client(await make_token(api.client(), expiresAt=until))
    await clock.advance(59)
    await client.ask(WHO)
    await clock.advance(1)
    message, extensions = await client.refused(WHO)
    assert (message, extensions) == ("this token has expired", {"code": "UNAUTHENTICATED"})


async def test_the_last_admin_token_cannot_be_revoked(api: Api) -> None:
    admin = api.client()
    [token] = (await admin.ask("{ tokens { id } }"))["tokens"]
    told = await revoke(admin, token["id"])
    assert (told["code"], told["field"]) == ("INVALID_STATE", ["id"])
    other = api.client(await make_token(admin, scopes=["ADMIN"]))
    assert (await revoke(other, token["id"]))["__typename"] == "RevokeTokenSuccess"
    assert (await other.ask(WHO))["viewer"]["scopes"] == ["ADMIN"]


@on_shared
async def test_revoking_nothing_is_not_found_and_garbage_is_bad_input(
    shared_client: Client,
) -> None:
    told = await revoke(shared_client, "tok_01M7YQZSSRYNK1V0VAAQ8M6GHS")
    assert (told["code"], told["field"]) == ("NOT_FOUND", ["id"])
    for id_ in ("secret", "ord_01M7YQZSSRYNK1V0VAAQ8M6GHS"):
        _, extensions = await shared_client.refused(REVOKE, id=id_)
        assert extensions == {"code": "BAD_USER_INPUT", "field": ["id"]}


HEADERS = {
    "wrong": "Bearer odk_wrong",
    "empty": "Bearer",
    "no scheme": ADMIN,
    "another scheme": f"Basic {ADMIN}",
    "more than a token": f"Bearer {ADMIN} more",
    "very long": "Bearer " + "x" * 5000,
}


@on_shared
@pytest.mark.parametrize("header", [None, *HEADERS.values()], ids=["none", *HEADERS])
async def test_without_a_good_token_nothing_is_told_over_http(
    shared_api: Api, header: str | None
) -> None:
    headers = {} if header is None else {"Authorization": header}
    for body in ({"query": "{ __schema { types { name } } }"}, {"query": ""}, 5):
        answer = await shared_api.http.post(shared_api.address.http, json=body, headers=headers)
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"] == 'Bearer realm="orderdeck"'
        [error] = answer.json()["errors"]
        assert error["extensions"] == {"code": "UNAUTHENTICATED"}
        assert ADMIN not in answer.text


@on_shared
async def test_the_scheme_is_read_in_any_case(shared_api: Api) -> None:
    for scheme in ("bearer", "BEARER"):
        answer = await shared_api.http.post(
            shared_api.address.http,
            json={"query": WHO},
            headers={"Authorization": f"{scheme} {ADMIN}"},
        )
        assert answer.json()["data"]["viewer"]["scopes"] == ["ADMIN"]


async def test_a_scope_that_is_missing_costs_that_field_alone(api: Api) -> None:
    client = api.client(await make_token(api.client()))
    told = await client.response("{ viewer { name } tokens { id } accounts { name } }")
    assert told["data"] == {
        "viewer": {"name": "a client"}, "tokens": None, "accounts": [{"name": "paper"}],
    }  # fmt: skip
    assert [error["path"] for error in told["errors"]] == [["tokens"]]


async def test_a_token_as_a_node_needs_admin_too(api: Api) -> None:
    admin = api.client()
    told = await create(admin)
    query = "query ($id: ID!) { node(id: $id) { id } }"
    _, extensions = await api.client(told["secret"]).refused(query, id=told["token"]["id"])
    assert extensions == {"code": "FORBIDDEN"}


ACCOUNTS = {"accounts__one__exchange": "paper", "accounts__two__exchange": "paper"}
SEEN = """{
  accounts { name }
  orders { totalCount nodes { account { name } } }
  fills { nodes { account { name } } }
}"""


async def test_a_token_for_one_account_sees_nothing_of_another(serve: Serve) -> None:
    api = await serve(**ACCOUNTS)
    admin = api.client()
    orders = {name: await place(admin, account=name) for name in ("one", "two")}
    secret = await make_token(admin, scopes=["TRADE"], accountNames=["one"])
    client = api.client(secret)
    seen = await client.ask(SEEN)
    assert seen["accounts"] == [{"name": "one"}]
    assert seen["orders"] == {"totalCount": 1, "nodes": [{"account": {"name": "one"}}]}
    assert seen["fills"] == {"nodes": [{"account": {"name": "one"}}]}
    read = "query ($id: ID!) { order(id: $id) { id } }"
    assert (await client.ask(read, id=orders["two"]["id"]))["order"] is None
    assert (await client.ask(read, id=orders["one"]["id"]))["order"] is not None
    for document in (
        '{ orders(filter: {account: "two"}) { totalCount } }',
        '{ fills(filter: {account: "two"}) { nodes { id } } }',
        '{ markets(account: "two") { nodes { symbol } } }',
        '{ ticker(symbol: "BTC/USDT", account: "two") { last } }',
        '{ tickers(account: "two") { last } }',
        '{ order(clientOrderId: "x", account: "two") { id } }',
        'mutation { cancelAllOrders(input: {account: "two"}) { failed { code } } }',
    ):
        message, extensions = await client.refused(document)
        assert extensions["reason"] == "UNKNOWN_ACCOUNT"
        assert extensions["field"][-1] == "account"
        assert "two" not in message


async def test_a_token_for_one_account_changes_nothing_of_another(serve: Serve) -> None:
    api = await serve(**ACCOUNTS)
    admin = api.client()
    order = await place(admin, WAITING, account="two", clientOrderId="theirs")
    client = api.client(await make_token(admin, scopes=["ADMIN"], accountNames=["one"]))
    cancel = "mutation ($id: ID!) { it: cancelOrder(input: {id: $id}) { ... on Refusal { code } } }"
    note = """mutation ($id: ID!) {
      it: setOrderMetadata(id: $id, metadata: {}) { ... on Refusal { code } }
    }"""
    for document in (cancel, note):
        assert (await client.ask(document, id=order["id"]))["it"] == {"code": "NOT_FOUND"}
    told = await client.ask("mutation { cancelAllOrders { canceled { id } } }")
    assert told["cancelAllOrders"]["canceled"] == []
    for names in (None, ["two"], ["one", "two"]):
        assert (await create(client, accountNames=names))["code"] == "INVALID_INPUT"
    still = await admin.ask("{ orders(filter: {open: true}) { totalCount } }")
    assert still["orders"]["totalCount"] == 1
