from typing import Any

from app.errors import Refusal, RefusalCode
from app.exchanges.paper.faults import Call, Faults
from tests.api.conftest import ADMIN, Api, Serve
from tests.conftest import on_each_database
from tests.support.api.clients import Client, Data
from tests.support.api.trading import (
    CANCEL,
    CANCEL_ALL,
    MARKET,
    PLACE,
    PLACE_MANY,
    WAITING,
    answer,
    place,
    refusal,
)
from tests.support.clock import ManualClock

AUDIT = """query ($first: Int, $after: Cursor) { auditLog(first: $first, after: $after) {
  edges { cursor }
  nodes { id at actor actorId action subject outcome code requestId count lastAt }
  pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
} }"""
SET_METADATA = """mutation ($id: ID!) { setOrderMetadata(id: $id, metadata: {note: 1}) {
  __typename ... on OrderSuccess { order { id } } ... on Refusal { code }
} }"""
CREATE = """mutation ($input: CreateTokenInput!) { createToken(input: $input) {
  ... on CreateTokenSuccess { secret token { id } } ... on Refusal { code }
} }"""
REVOKE = """mutation ($id: ID!) { revokeToken(id: $id) {
  __typename ... on RevokeTokenSuccess { token { id } } ... on Refusal { code }
} }"""


HALT = """mutation { haltTrading(reason: "a test", closePositions: true) { failed { code } } }"""
RECONCILE = "mutation { reconcile { changed { id status } } }"


async def audit(client: Client, **asked: Any) -> list[Data]:
    """The entries, newest first."""
    nodes: list[Data] = (await client.ask(AUDIT, **asked))["auditLog"]["nodes"]
    return nodes


async def latest(client: Client) -> tuple[str, str, str | None, str | None]:
    """What the newest entry says: action, outcome, code and subject."""
    entry = (await audit(client, first=1))[0]
    return entry["action"], entry["outcome"], entry["code"], entry["subject"]


async def make_token(client: Client, *scopes: str) -> tuple[str, str]:
    """The id and the secret of a new token."""
    made = (await client.ask(CREATE, input={"name": "helper", "scopes": scopes}))["createToken"]
    return made["token"]["id"], made["secret"]


@on_each_database
async def test_what_was_done_says_who_did_what_on_what(client: Client) -> None:
    order = await place(client)
    [entry] = await audit(client)
    assert entry["id"].startswith("aud_")
    assert entry["actorId"].startswith("tok_")
    assert entry["requestId"]
    told = {name: entry[name] for name in ("actor", "action", "subject", "outcome", "code")}
    assert told == {
        "actor": "configured admin token",
        "action": "placeOrder",
        "subject": order["id"],
        "outcome": "DONE",
        "code": None,
    }


async def test_a_repeat_is_an_entry_of_its_own(client: Client) -> None:
    order = await place(client, clientOrderId="one")
    await place(client, clientOrderId="one")
    first, second = await audit(client)
    assert first["subject"] == second["subject"] == order["id"]
    assert first["requestId"] != second["requestId"]


async def test_what_we_deny_is_told_with_its_code_and_nothing_else_is_kept(client: Client) -> None:
    await refusal(client, amount="0")
    assert await latest(client) == ("placeOrder", "REFUSED", "INVALID_INPUT", None)


async def test_what_the_exchange_denies_becomes_refused_with_the_order_that_was_kept(
    client: Client, faults: Faults
) -> None:
    faults.unavailable = {Call.SUBMIT}
    told = await refusal(client)
    [entry] = await audit(client)
    assert (entry["outcome"], entry["code"]) == ("REFUSED", "EXCHANGE_UNAVAILABLE")
    assert entry["subject"] == told["existingOrder"]["id"]


async def test_an_order_in_doubt_is_done(client: Client, faults: Faults) -> None:
    faults.lost_after = {Call.SUBMIT}
    order = await place(client)
    assert await latest(client) == ("placeOrder", "DONE", None, order["id"])


async def test_a_batch_has_one_entry_an_order_under_one_request(client: Client) -> None:
    await client.ask(
        PLACE_MANY,
        inputs=[
            {**MARKET, "clientOrderId": "good"},
            {**MARKET, "amount": "0"},
            {**MARKET, "account": "nobody"},
        ],
    )
    entries = await audit(client)
    assert [entry["code"] for entry in entries] == ["UNKNOWN_ACCOUNT", "INVALID_INPUT", None]
    assert {entry["action"] for entry in entries} == {"placeOrders"}
    assert len({entry["requestId"] for entry in entries}) == 1


async def test_a_batch_that_is_refused_as_a_whole_has_one_entry(client: Client) -> None:
    await client.refused(PLACE_MANY, inputs=[])
    [entry] = await audit(client)
    assert (entry["action"], entry["outcome"], entry["code"]) == (
        "placeOrders", "REFUSED", "BAD_USER_INPUT",
    )  # fmt: skip


async def test_canceling_once_and_again_and_too_late(client: Client) -> None:
    waiting = await place(client, WAITING)
    for _ in range(2):
        await client.ask(CANCEL, input={"id": waiting["id"]})
        assert await latest(client) == ("cancelOrder", "DONE", None, waiting["id"])
    filled = await place(client)
    await client.ask(CANCEL, input={"id": filled["id"]})
    assert await latest(client) == ("cancelOrder", "REFUSED", "ALREADY_CLOSED", filled["id"])
    await client.ask(CANCEL, input={"clientOrderId": "nothing"})
    assert await latest(client) == ("cancelOrder", "REFUSED", "NOT_FOUND", None)


async def test_canceling_all_is_one_entry_about_the_account_where_one_is_named(
    client: Client,
) -> None:
    for name in ("a", "b"):
        await place(client, WAITING, clientOrderId=name)
    await client.ask(CANCEL_ALL, input={"account": "paper"})
    assert await latest(client) == ("cancelAllOrders", "DONE", None, "acc_paper")
    assert len(await audit(client)) == 3
    await client.ask(CANCEL_ALL, input={"account": "paper"})
    assert len(await audit(client)) == 4


async def test_a_halt_is_done_although_the_exchange_rejects_an_order_that_closes(
    client: Client, faults: Faults
) -> None:
    bought = await place(client)
    faults.refusal = Refusal(code=RefusalCode.REJECTED_BY_EXCHANGE, message="not now")
    halted = (await client.ask(HALT))["haltTrading"]
    assert [failed["code"] for failed in halted["failed"]] == ["REJECTED_BY_EXCHANGE"]
    entries = [(one["action"], one["outcome"], one["subject"]) for one in await audit(client)]
    assert entries[1] == ("placeOrder", "DONE", bought["id"])
    action, outcome, subject = entries[0]
    assert (action, outcome) == ("haltTrading", "DONE")
    assert subject != bought["id"]


async def test_a_reconciliation_is_done_although_it_finds_that_an_order_never_arrived(
    client: Client, faults: Faults, clock: ManualClock
) -> None:
    faults.lost_before, faults.unavailable = {Call.SUBMIT}, {Call.FIND}
    order = await place(client)
    await clock.advance(60)
    faults.unavailable = set()
    # An exchange that does not know an order is asked once more before that is believed.
    first, second = [(await client.ask(RECONCILE))["reconcile"]["changed"] for _ in range(2)]
    assert (first, second) == ([], [{"id": order["id"], "status": "REJECTED"}])
    entries = [(one["action"], one["outcome"], one["subject"]) for one in await audit(client)]
    assert entries == [
        ("reconcile", "DONE", "acc_paper"),
        ("reconcile", "DONE", "acc_paper"),
        ("placeOrder", "DONE", order["id"]),
    ]


async def test_metadata_and_tokens_are_told_too(client: Client) -> None:
    order = await place(client)
    await client.ask(SET_METADATA, id=order["id"])
    assert await latest(client) == ("setOrderMetadata", "DONE", None, order["id"])
    token, _ = await make_token(client, "READ")
    assert await latest(client) == ("createToken", "DONE", None, token)
    for _ in range(2):
        await client.ask(REVOKE, id=token)
        assert await latest(client) == ("revokeToken", "DONE", None, token)
    await client.ask(CREATE, input={"name": "", "scopes": ["READ"]})
    assert await latest(client) == ("createToken", "REFUSED", "INVALID_INPUT", None)


async def test_a_missing_scope_is_refused_and_told(api: Api, client: Client) -> None:
    token, secret = await make_token(client, "READ")
    told = await api.client(secret).response(PLACE, input=dict(MARKET))
    assert told["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    entry = (await audit(client, first=1))[0]
    assert (entry["action"], entry["outcome"], entry["code"]) == (
        "placeOrder", "REFUSED", "FORBIDDEN",
    )  # fmt: skip
    assert (entry["actor"], entry["actorId"]) == ("helper", token)
    assert (entry["count"], entry["lastAt"]) == (1, entry["at"])


@on_each_database
async def test_a_token_that_is_refused_again_and_again_fills_one_entry(
    api: Api, client: Client, clock: ManualClock
) -> None:
    _, secret = await make_token(client, "READ")
    reader, before = api.client(secret), len(await audit(client))
    for _ in range(5):
        await reader.response(PLACE, input=dict(MARKET))
    await clock.advance(1)
    entry = (await audit(client, first=1))[0]
    assert (entry["action"], entry["code"], entry["count"]) == ("placeOrder", "FORBIDDEN", 5)
    assert len(await audit(client)) == before + 1


async def test_two_fields_of_one_mutation_are_two_entries_of_one_request(client: Client) -> None:
    await client.ask(
        """mutation ($input: PlaceOrderInput!) {
          one: placeOrder(input: $input) { __typename }
          two: cancelAllOrders { canceled { id } }
        }""",
        input=dict(WAITING),
    )
    second, first = await audit(client)
    assert (first["action"], second["action"]) == ("placeOrder", "cancelAllOrders")
    assert first["requestId"] == second["requestId"]


async def test_reading_leaves_no_entry(client: Client) -> None:
    await client.ask("{ orders { totalCount } }")
    await client.response("query ($it: PlaceOrderInput!) { previewOrder(input: $it) { notional } }")
    assert await audit(client) == []


async def test_pages_go_on_where_they_ended_and_survive_new_entries(client: Client) -> None:
    for number in range(5):
        await answer(client, MARKET, clientOrderId=f"n-{number}")
    page = (await client.ask(AUDIT, first=2))["auditLog"]
    await answer(client, MARKET, clientOrderId="later")
    rest = (await client.ask(AUDIT, after=page["pageInfo"]["endCursor"]))["auditLog"]
    assert page["pageInfo"]["hasNextPage"] is True
    assert rest["pageInfo"]["hasNextPage"] is False
    ids = [entry["id"] for entry in page["nodes"] + rest["nodes"]]
    assert ids == sorted(set(ids), reverse=True)
    assert len(ids) == 5


async def test_a_cursor_of_another_list_is_refused(client: Client) -> None:
    await place(client)
    orders = await client.ask("{ orders { pageInfo { endCursor } } }")
    _, extensions = await client.refused(AUDIT, after=orders["orders"]["pageInfo"]["endCursor"])
    assert extensions["code"] == "CURSOR_INVALID"


async def test_the_audit_outlives_the_server(serve: Serve) -> None:
    first = await serve()
    await place(first.client())
    before = await audit(first.client())
    second = await serve()
    assert await audit(second.client(ADMIN)) == before
