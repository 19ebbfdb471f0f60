from decimal import Decimal

from tests.support.api.clients import Client, Data
from tests.support.api.trading import MARKET, WAITING, place
from tests.support.clock import ManualClock

FILLS = """query ($filter: FillFilter, $first: Int, $after: Cursor) {
  fills(filter: $filter, first: $first, after: $after) {
    nodes { id symbol side price amount cost at isMaker synthesized exchangeTradeId
      fee { currency amount } account { name } order { id clientOrderId } }
    edges { cursor node { id } }
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
  }
}"""
OF_ORDER = """query ($id: ID!, $first: Int, $fills: Cursor, $history: Cursor) {
  order(id: $id) {
    fills(first: $first, after: $fills) {
      nodes { id } pageInfo { hasNextPage hasPreviousPage endCursor }
    }
    history(first: $first, after: $history) {
      nodes { cursor kind order { revision } } edges { cursor }
      pageInfo { hasNextPage hasPreviousPage endCursor }
    }
  }
}"""


async def fills(client: Client, **asked: object) -> Data:
    found: Data = (await client.ask(FILLS, **asked))["fills"]
    assert [edge["node"]["id"] for edge in found["edges"]] == [one["id"] for one in found["nodes"]]
    return found


def orders_of(found: Data) -> list[str]:
    return [fill["order"]["clientOrderId"] for fill in found["nodes"]]


async def three(client: Client, clock: ManualClock) -> list[str]:
    """Three fills, a second apart."""
    ethereum = {"symbol": "ETH/USDT", "amount": "0.1"}
    ids = []
    for name, change in {"a": {}, "b": ethereum, "c": {"side": "SELL"}}.items():
        ids.append((await place(client, MARKET, clientOrderId=name, **change))["id"])
        await clock.advance(1)
    return ids


async def test_a_fill_tells_what_was_traded(client: Client, clock: ManualClock) -> None:
    order, *_ = await three(client, clock)
    found = await fills(client)
    fill = next(one for one in found["nodes"] if one["order"]["id"] == order)
    assert (
        fill.items()
        >= {
            "symbol": "BTC/USDT",
            "side": "BUY",
            "amount": "0.001",
            "isMaker": False,
            "synthesized": False,
            "account": {"name": "paper"},
            "at": "2026-01-05T12:00:00.000Z",
        }.items()
    )
    cost = Decimal(fill["price"]) * Decimal(fill["amount"])
    assert Decimal(fill["cost"]) == cost
    assert fill["fee"]["currency"] == "USDT"
    assert Decimal(fill["fee"]["amount"]) == cost * Decimal("0.001")


async def test_fills_are_filtered(client: Client, clock: ManualClock) -> None:
    await three(client, clock)
    first, middle, last = sorted((await fills(client))["nodes"], key=lambda fill: str(fill["at"]))
    for wanted, names in [
        ({}, {"a", "b", "c"}),
        ({"account": "paper"}, {"a", "b", "c"}),
        ({"symbols": ["ETH/USDT"]}, {"b"}),
        ({"symbols": []}, set()),
        ({"side": "SELL"}, {"c"}),
        ({"sources": ["API", "BOT"], "side": "BUY"}, {"a", "b"}),
        ({"sources": ["BOT"]}, set()),
        ({"strategy": "none of ours"}, set()),
        ({"since": middle["at"]}, {"b", "c"}),
        ({"until": middle["at"]}, {"a"}),
        ({"since": first["at"], "until": last["at"]}, {"a", "b"}),
        ({"since": last["at"], "symbols": ["ETH/USDT"]}, set()),
    ]:
        assert set(orders_of(await fills(client, filter=wanted))) == names, wanted


async def test_fills_are_paged(client: Client, clock: ManualClock) -> None:
    await three(client, clock)
    whole = orders_of(await fills(client))
    seen: list[str] = []
    after = None
    for number in range(3):
        found = await fills(client, first=1, after=after)
        seen += orders_of(found)
        after = found["pageInfo"]["endCursor"]
        assert found["pageInfo"]["hasPreviousPage"] is (number > 0)
        assert found["pageInfo"]["hasNextPage"] is (number < 2)
    assert seen == whole


async def test_the_life_of_an_order_is_paged(client: Client) -> None:
    order = await place(client)
    kinds: list[str] = []
    after = None
    for number in range(3):
        told = await client.ask(OF_ORDER, id=order["id"], first=1, history=after)
        history = told["order"]["history"]
        kinds += [one["kind"] for one in history["nodes"]]
        after = history["pageInfo"]["endCursor"]
        assert history["nodes"][0]["cursor"] == history["edges"][0]["cursor"] == after
        assert history["pageInfo"]["hasNextPage"] is (number < 2)
        assert history["pageInfo"]["hasPreviousPage"] is (number > 0)
    assert kinds == ["SUBMITTED", "ACCEPTED", "FILL"]


async def test_the_fills_of_an_order_are_its_own(client: Client, clock: ManualClock) -> None:
    order, other, _ = await three(client, clock)
    told = (await client.ask(OF_ORDER, id=order))["order"]["fills"]
    assert len(told["nodes"]) == 1
    cursor = told["pageInfo"]["endCursor"]
    after = (await client.ask(OF_ORDER, id=order, fills=cursor))["order"]["fills"]
    assert after["nodes"] == []
    assert after["pageInfo"]["hasPreviousPage"] is True
    _, extensions = await client.refused(OF_ORDER, id=other, fills=cursor)
    assert extensions == {"code": "CURSOR_INVALID", "field": ["after"]}
    waiting = await place(client, WAITING)
    assert (await client.ask(OF_ORDER, id=waiting["id"]))["order"]["fills"]["nodes"] == []


async def test_inside_an_update_the_life_stops_at_its_revision(client: Client) -> None:
    order = await place(client)
    query = """query ($id: ID!) { order(id: $id) { history { nodes { kind order {
      revision status filled fills { nodes { id } } history { nodes { kind } }
    } } } } }"""
    told = (await client.ask(query, id=order["id"]))["order"]["history"]["nodes"]
    for number, update in enumerate(told):
        assert update["order"]["revision"] == number + 1
        assert len(update["order"]["history"]["nodes"]) == number + 1
        assert len(update["order"]["fills"]["nodes"]) == (1 if update["kind"] == "FILL" else 0)
    assert [update["order"]["status"] for update in told] == ["SUBMITTING", "OPEN", "FILLED"]


async def test_bad_pages_of_a_life_are_told_with_their_field(client: Client) -> None:
    order = await place(client)
    for first in (0, -1, 501):
        told = await client.response(OF_ORDER, id=order["id"], first=first)
        every = [error["extensions"] for error in told["errors"]]
        assert {"code": "BAD_USER_INPUT", "field": ["first"]} in every
    for cursor in ("garbage", ""):
        _, refused = await client.refused(OF_ORDER, id=order["id"], history=cursor)
        assert refused == {"code": "CURSOR_INVALID", "field": ["after"]}
