import pytest

from tests.api.access.test_tokens import make_token
from tests.api.conftest import Serve, on_shared
from tests.support.api.clients import Client, Data
from tests.support.api.trading import place

NODE = """query ($id: ID!) { node(id: $id) {
  __typename id
  ... on Order { clientOrderId } ... on Fill { amount }
  ... on Account { name } ... on ApiToken { name }
} }"""
ULID = "01M7YQZSSRYNK1V0VAAQ8M6GHS"


async def node(client: Client, id_: str) -> Data | None:
    found: Data | None = (await client.ask(NODE, id=id_))["node"]
    return found


async def test_every_kind_is_found_by_its_id(client: Client) -> None:
    order = await place(client)
    fills = await client.ask("{ fills { nodes { id amount } } }")
    accounts = await client.ask("{ accounts { id name } }")
    tokens = await client.ask("{ tokens { id name } }")
    for kind, wanted in {
        "Order": {"id": order["id"], "clientOrderId": order["clientOrderId"]},
        "Fill": fills["fills"]["nodes"][0],
        "Account": accounts["accounts"][0],
        "ApiToken": tokens["tokens"][0],
    }.items():
        found = await node(client, wanted["id"])
        assert found is not None
        assert found.items() >= {"__typename": kind, **wanted}.items()


@on_shared
@pytest.mark.parametrize(
    "id_", [f"ord_{ULID}", f"fil_{ULID}", f"tok_{ULID}", "acc_nobody"], ids=lambda it: it[:3]
)
async def test_a_well_formed_id_of_nothing_is_null(shared_client: Client, id_: str) -> None:
    assert await node(shared_client, id_) is None


@on_shared
@pytest.mark.parametrize(
    "id_",
    [
        "", "secret", "ord_", "ord_secret", f"ORD_{ULID}", f"ord_{ULID.lower()}", f"ord_{ULID}\n",
        f"ord_{ULID}0", f"xyz_{ULID}", "acc_", "acc_UPPER", "acc_" + "x" * 65, "x" * 100_000,
        "ord_\0", "ord_ünïcödé", "\ud800",
    ],
    ids=lambda it: ascii(it[:31]),
)  # fmt: skip
async def test_a_malformed_id_is_bad_input_and_not_repeated(
    shared_client: Client, id_: str
) -> None:
    message, extensions = await shared_client.refused(NODE, id=id_)
    assert extensions == {"code": "BAD_USER_INPUT", "field": ["id"]}
    assert message == "id is not an id of this API"


@on_shared
async def test_an_id_of_another_kind_is_bad_input(shared_client: Client) -> None:
    query = "query ($id: ID!) { order(id: $id) { id } }"
    for id_ in (f"fil_{ULID}", f"tok_{ULID}", "acc_paper"):
        message, extensions = await shared_client.refused(query, id=id_)
        assert extensions == {"code": "BAD_USER_INPUT", "field": ["id"]}
        assert "another kind" in message
        assert id_ not in message


async def test_what_belongs_to_another_account_does_not_exist(serve: Serve) -> None:
    api = await serve(accounts__one__exchange="paper", accounts__two__exchange="paper")
    admin = api.client()
    order = await place(admin, account="two")
    [fill] = (await admin.ask("{ fills { nodes { id } } }"))["fills"]["nodes"]
    secret = await make_token(admin, scopes=["READ"], accountNames=["one"])
    restricted = api.client(secret)
    for id_ in (order["id"], fill["id"], "acc_two"):
        assert await node(admin, id_) is not None
        assert await node(restricted, id_) is None
    assert await node(restricted, "acc_one") is not None
