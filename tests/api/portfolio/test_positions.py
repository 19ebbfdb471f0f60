"""What is held and what it is worth, as a client reads it."""

from decimal import Decimal

import pytest

from app.services.live.live_queries import PAUSE_SECONDS
from tests.api.access.test_tokens import make_token
from tests.api.conftest import Serve
from tests.support.api.clients import Client, Data, Socket
from tests.support.api.trading import WAITING, place, price_of, refusal
from tests.support.clock import ManualClock

FIELDS = """{
  id symbol type side amount entryPrice markPrice markPriceAt notional
  unrealizedPnl unrealizedPnlPercent realizedPnl leverage margin liquidationPrice metadata
  openedAt updatedAt account { name } orders(first: 5) { totalCount nodes { clientOrderId } }
}"""
POSITIONS = f"""query ($filter: PositionFilter) {{ positions(filter: $filter) {{
  nodes {FIELDS} problems {{ subject code message }} asOf
}} }}"""
NODE = f"query ($id: ID!) {{ node(id: $id) {{ ... on Position {FIELDS} }} }}"
RICH = {
    "accounts__paper__paper__balances__usdt": "10000",
    "accounts__paper__paper__balances__btc": "2",
    "accounts__paper__paper__balances__doge": "5",
}


async def positions(client: Client, **filter: object) -> Data:
    told: Data = (await client.ask(POSITIONS, filter=filter))["positions"]
    return told


async def test_nothing_traded_is_nothing_held(client: Client) -> None:
    told = await positions(client)
    assert (told["nodes"], told["problems"]) == ([], [])


async def test_what_was_bought_stands_at_its_price_and_is_worth_the_last_one(
    client: Client,
) -> None:
    order = await place(client, amount="0.01", clientOrderId="mine")
    told = await positions(client)
    [held] = told["nodes"]
    mark = await price_of(client)
    entry = Decimal(order["averagePrice"])
    assert (held["symbol"], held["type"], held["side"]) == ("BTC/USDT", "SPOT", "LONG")
    assert (Decimal(held["amount"]), Decimal(held["entryPrice"])) == (Decimal("0.01"), entry)
    assert Decimal(held["markPrice"]) == mark
    assert Decimal(held["unrealizedPnl"]) == Decimal("0.01") * (mark - entry)
    assert Decimal(held["realizedPnl"]) == -Decimal("0.01") * entry * Decimal("0.001")
    assert [one["clientOrderId"] for one in held["orders"]["nodes"]] == ["mine"]
    assert told["problems"] == []


async def test_a_closed_position_is_read_by_its_id_alone(client: Client) -> None:
    await place(client, amount="0.01")
    [held] = (await positions(client))["nodes"]
    await place(client, amount="0.01", side="SELL")
    assert (await positions(client))["nodes"] == []
    closed = (await client.ask(NODE, id=held["id"]))["node"]
    assert (closed["amount"], closed["entryPrice"], closed["openedAt"]) == ("0", None, None)
    assert Decimal(closed["realizedPnl"]) < 0
    assert closed["orders"]["totalCount"] == 2


async def test_what_came_from_outside_has_no_price_and_says_so(serve: Serve) -> None:
    client = (await serve(**RICH)).client()
    told = await positions(client)
    [held] = told["nodes"]
    assert (held["symbol"], held["amount"], held["entryPrice"]) == ("BTC/USDT", "2", None)
    assert held["unrealizedPnl"] is None
    assert Decimal(held["notional"]) == 2 * Decimal(held["markPrice"])
    problems = {one["subject"]: one for one in told["problems"]}
    assert problems["BTC/USDT"]["code"] == "FROM_OUTSIDE"
    assert "2 BTC came from outside" in problems["BTC/USDT"]["message"]
    assert "the account has no market of it" in problems["DOGE"]["message"]


async def test_positions_are_narrowed_and_belong_to_their_account(serve: Serve) -> None:
    api = await serve(accounts__one__exchange="paper", accounts__two__exchange="paper")
    client = api.client()
    for account in ("one", "two"):
        await place(client, account=account)
    await place(client, account="one", symbol="ETH/USDT", amount="0.01")
    everything = (await positions(client))["nodes"]
    assert [(one["account"]["name"], one["symbol"]) for one in everything] == [
        ("one", "BTC/USDT"), ("one", "ETH/USDT"), ("two", "BTC/USDT"),
    ]  # fmt: skip
    assert len((await positions(client, account="one", symbols=["ETH/USDT"]))["nodes"]) == 1
    assert (await positions(client, type="MARGIN"))["nodes"] == []
    limited = api.client(await make_token(client, scopes=["READ"], accountNames=["two"]))
    [only] = (await positions(limited))["nodes"]
    assert only["account"]["name"] == "two"
    assert (await limited.ask(NODE, id=everything[0]["id"]))["node"] is None


CLOSE = """mutation ($input: ClosePositionInput!) { closePosition(input: $input) {
  ... on PlaceOrderSuccess { replayed order { id side type amount status reduceOnly } }
  ... on Refusal { code message field existingOrder { id } }
} }"""
REDUCE_ONLY = """query ($id: ID!) { order(id: $id) {
  reduceOnly history { nodes { order { reduceOnly } } }
} }"""
NOTE = """mutation ($id: ID!, $it: JSON!) { setPositionMetadata(id: $id, metadata: $it) {
  ... on PositionSuccess { position { id metadata amount } } ... on Refusal { code field }
} }"""


async def close(client: Client, **input: object) -> Data:
    told: Data = (await client.ask(CLOSE, input=input))["closePosition"]
    return told


async def test_a_position_is_closed_in_part_and_then_whole(client: Client) -> None:
    await place(client, amount="0.01")
    [held] = (await positions(client))["nodes"]
    part = await close(client, id=held["id"], amount="0.004", clientOrderId="part")
    assert (part["order"]["side"], part["order"]["type"]) == ("SELL", "MARKET")
    assert (await positions(client))["nodes"][0]["amount"] == "0.006"
    again = await close(client, id=held["id"], amount="0.004", clientOrderId="part")
    assert (again["replayed"], again["order"]["id"]) == (True, part["order"]["id"])
    whole = await close(client, id=held["id"], clientOrderId="whole")
    assert whole["order"]["amount"] == "0.006"
    assert (await close(client, id=held["id"], clientOrderId="whole"))["replayed"] is True
    assert (await positions(client))["nodes"] == []
    assert (await close(client, id=held["id"]))["code"] == "ALREADY_CLOSED"


@pytest.mark.parametrize("amount", [None, "0.004"], ids=["whole", "in part"])
async def test_on_spot_it_is_closed_by_a_reduce_only_order(
    client: Client, amount: str | None
) -> None:
    await place(client, amount="0.01")
    [held] = (await positions(client))["nodes"]
    first = await close(client, id=held["id"], amount=amount, clientOrderId="out")
    again = await close(client, id=held["id"], amount=amount, clientOrderId="out")
    assert (first["replayed"], again["replayed"]) == (False, True)
    assert first["order"] == again["order"]
    assert (first["order"]["reduceOnly"], first["order"]["status"]) == (True, "FILLED")
    read = await client.ask(REDUCE_ONLY, id=first["order"]["id"])
    assert read["order"]["reduceOnly"] is True
    assert [one["order"]["reduceOnly"] for one in read["order"]["history"]["nodes"]] == [True] * 3


async def test_the_id_of_an_order_that_closes_nothing_is_a_conflict(client: Client) -> None:
    bought = await place(client, amount="0.01", clientOrderId="in")
    sold = await place(client, amount="0.004", side="SELL", clientOrderId="some")
    [held] = (await positions(client))["nodes"]
    for order, amount in ((bought, None), (bought, "0.01"), (sold, None), (sold, "0.004")):
        name = order["clientOrderId"]
        told = await close(client, id=held["id"], amount=amount, clientOrderId=name)
        assert told["code"] == "IDEMPOTENCY_CONFLICT"
        assert told["existingOrder"] == {"id": order["id"]}
    assert (await positions(client))["nodes"][0]["amount"] == "0.006"


async def test_a_position_is_closed_while_only_reductions_pass(client: Client) -> None:
    await place(client, amount="0.01")
    [held] = (await positions(client))["nodes"]
    await client.ask('mutation { reduceTrading(reason: "a test") { __typename } }')
    assert (await refusal(client))["code"] == "TRADING_HALTED"
    told = await close(client, id=held["id"])
    assert (told["order"]["reduceOnly"], told["order"]["status"]) == (True, "FILLED")
    assert (await positions(client))["nodes"] == []


async def test_what_waits_to_be_sold_is_not_closed_a_second_time(client: Client) -> None:
    await place(client, amount="0.01")
    [held] = (await positions(client))["nodes"]
    await place(client, WAITING, side="SELL", amount="0.004", price="200000")
    told = await close(client, id=held["id"])
    assert (told["code"], told["field"]) == ("INSUFFICIENT_FUNDS", ["input", "amount"])
    rest = await close(client, id=held["id"], amount="0.006")
    assert (rest["order"]["reduceOnly"], rest["order"]["status"]) == (True, "FILLED")


async def test_what_cannot_be_closed_so_is_refused_with_the_limit(client: Client) -> None:
    await place(client, amount="0.01")
    [held] = (await positions(client))["nodes"]
    for amount in ("0.02", "0", "-1"):
        told = await close(client, id=held["id"], amount=amount)
        assert (told["code"], told["field"]) == ("INVALID_INPUT", ["input", "amount"])
        assert "at most the 0.01" in told["message"]
    told = await close(client, id=held["id"], amount="0.0000001")
    assert told["code"] == "PRECISION"
    elsewhere = await client.refused(CLOSE, input={"id": "acc_paper"})
    assert elsewhere[1]["code"] == "BAD_USER_INPUT"


async def test_a_note_about_a_position_is_kept_and_replaced(serve: Serve) -> None:
    client = (await serve(**RICH)).client()
    [held] = (await positions(client))["nodes"]
    for metadata in ({"why": "a gift"}, {"plan": ["hold", 1]}):
        told = await client.ask(NOTE, id=held["id"], it=metadata)
        assert told["setPositionMetadata"]["position"]["metadata"] == metadata
        assert (await positions(client))["nodes"][0]["metadata"] == metadata
    audit = await client.ask("{ auditLog(first: 1) { nodes { action subject outcome } } }")
    assert audit["auditLog"]["nodes"] == [
        {"action": "setPositionMetadata", "subject": held["id"], "outcome": "DONE"}
    ]
    refused = await client.ask(NOTE, id=held["id"], it=[1])
    assert refused["setPositionMetadata"]["code"] == "INVALID_INPUT"


UPDATES = f"""subscription ($filter: PositionFilter) {{ positionUpdates(filter: $filter) {{
  nodes {FIELDS} problems {{ subject code message }} asOf
}} }}"""


async def test_position_updates_begin_with_what_is_and_tell_what_comes(
    client: Client, socket: Socket, clock: ManualClock
) -> None:
    await socket.subscribe("1", UPDATES, filter={"symbols": ["BTC/USDT"]})
    first = (await socket.hear_data("1"))["positionUpdates"]
    assert first["nodes"] == []
    await place(client, amount="0.01")
    await clock.advance(PAUSE_SECONDS)
    told = (await socket.hear_data("1"))["positionUpdates"]
    assert told == await positions(client, symbols=["BTC/USDT"])
    await place(client, amount="0.01", side="SELL")
    await clock.advance(PAUSE_SECONDS)
    assert (await socket.hear_data("1"))["positionUpdates"]["nodes"] == []
