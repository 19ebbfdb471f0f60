from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.api.conftest import on_shared
from tests.conftest import on_each_database
from tests.support.api.clients import Client, Data
from tests.support.api.trading import MARKET, WAITING, place
from tests.support.clock import ManualClock

LIST = """query (
  $filter: OrderFilter, $orderBy: OrderOrder, $first: Int, $after: Cursor,
  $last: Int, $before: Cursor
) {
  orders(
    filter: $filter, orderBy: $orderBy, first: $first, after: $after, last: $last, before: $before
  ) {
    totalCount asOf nodes { clientOrderId } edges { cursor node { clientOrderId } }
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
  }
}"""
ORDERINGS = ["CREATED_AT_ASC", "CREATED_AT_DESC", "UPDATED_AT_ASC", "UPDATED_AT_DESC"]


async def page(client: Client, **asked: Any) -> Data:
    found: Data = (await client.ask(LIST, **asked))["orders"]
    assert [edge["node"] for edge in found["edges"]] == found["nodes"]
    cursors = [edge["cursor"] for edge in found["edges"]]
    info = found["pageInfo"]
    assert (info["startCursor"], info["endCursor"]) == (
        (cursors[0], cursors[-1]) if cursors else (None, None)
    )
    return found


def names_of(found: Data) -> list[str]:
    return [node["clientOrderId"] for node in found["nodes"]]


async def listed(client: Client, **wanted: Any) -> list[str]:
    found = await page(client, filter=wanted, orderBy="CREATED_AT_ASC")
    assert found["totalCount"] == len(found["nodes"])
    return names_of(found)


FILTERS: list[tuple[dict[str, Any], list[str]]] = [
    ({}, ["a", "b", "c", "d"]),
    ({"account": "paper"}, ["a", "b", "c", "d"]),
    ({"symbols": ["BTC/USDT"]}, ["a", "b", "d"]),
    ({"symbols": ["BTC/USDT", "ETH/USDT"]}, ["a", "b", "c", "d"]),
    ({"symbols": []}, []),
    ({"symbols": ["NO/SUCH"]}, []),
    ({"statuses": ["FILLED"]}, ["a", "d"]),
    ({"statuses": ["OPEN", "CANCELED"]}, ["b", "c"]),
    ({"open": True}, ["b"]),
    ({"open": False}, ["a", "c", "d"]),
    ({"side": "BUY"}, ["a", "b", "c"]),
    ({"side": "SELL"}, ["d"]),
    ({"types": ["LIMIT"]}, ["b", "c"]),
    ({"types": ["STOP_LIMIT"]}, []),
    ({"sources": ["API"]}, ["a", "b", "c", "d"]),
    ({"sources": ["BOT", "EXTERNAL"]}, []),
    ({"strategy": "mine"}, []),
    ({"clientOrderIds": ["a", "d", "nobody"]}, ["a", "d"]),
    ({"createdAfter": "2026-01-05T12:00:02Z"}, ["c", "d"]),
    ({"createdBefore": "2026-01-05T12:00:02Z"}, ["a", "b"]),
    (
        {"createdAfter": "2026-01-05T13:00:01+01:00", "createdBefore": "2026-01-05T12:00:03Z"},
        ["b", "c"],
    ),
    ({"open": False, "side": "BUY", "types": ["LIMIT"], "statuses": ["CANCELED"]}, ["c"]),
    ({"symbols": ["ETH/USDT"], "side": "SELL"}, []),
    ({"open": True, "statuses": ["FILLED"]}, []),
]


@on_each_database
async def test_every_filter_alone_and_together(client: Client, clock: ManualClock) -> None:
    await place(client, clientOrderId="a")
    await clock.advance(1)
    await place(client, WAITING, clientOrderId="b")
    await clock.advance(1)
    ethereum = {"symbol": "ETH/USDT", "amount": "1", "price": "10"}
    await place(client, WAITING, clientOrderId="c", **ethereum)
    await client.ask('mutation { cancelOrder(input: {clientOrderId: "c"}) { __typename } }')
    await clock.advance(1)
    await place(client, MARKET, clientOrderId="d", side="SELL")
    for wanted, found in FILTERS:
        assert await listed(client, **wanted) == found, wanted


async def test_each_ordering_goes_by_its_own_time(client: Client, clock: ManualClock) -> None:
    for name in ("a", "b", "c"):
        await place(client, WAITING, clientOrderId=name)
        await clock.advance(1)
    await client.ask('mutation { cancelOrder(input: {clientOrderId: "a"}) { __typename } }')
    for ordering, names in {
        "CREATED_AT_ASC": "abc",
        "CREATED_AT_DESC": "cba",
        "UPDATED_AT_ASC": "bca",
        "UPDATED_AT_DESC": "acb",
    }.items():
        assert names_of(await page(client, orderBy=ordering)) == list(names)
    assert names_of(await page(client)) == list("cba")


@on_each_database
async def test_pages_put_together_are_the_whole_list(client: Client, clock: ManualClock) -> None:
    for number in range(7):
        await place(client, WAITING, clientOrderId=f"n-{number}")
        # Some share a moment, so that ids must break the tie.
        if number % 3 == 0:
            await clock.advance(1)
    for ordering in ORDERINGS:
        whole = names_of(await page(client, orderBy=ordering))
        for size in (1, 3, 7):
            assert await forwards(client, ordering, size) == whole
            assert await backwards(client, ordering, size) == whole


async def forwards(client: Client, ordering: str, size: int) -> list[str]:
    names: list[str] = []
    after = None
    while True:
        found = await page(client, orderBy=ordering, first=size, after=after)
        assert found["totalCount"] == 7
        assert found["pageInfo"]["hasPreviousPage"] is (after is not None)
        names += names_of(found)
        after = found["pageInfo"]["endCursor"]
        if not found["pageInfo"]["hasNextPage"]:
            return names


async def backwards(client: Client, ordering: str, size: int) -> list[str]:
    names: list[str] = []
    before = None
    while True:
        found = await page(client, orderBy=ordering, last=size, before=before)
        assert found["pageInfo"]["hasNextPage"] is (before is not None)
        names = names_of(found) + names
        before = found["pageInfo"]["startCursor"]
        if not found["pageInfo"]["hasPreviousPage"]:
            return names


@settings(max_examples=6, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    ordering=st.sampled_from(ORDERINGS[:2]),
    is_forwards=st.booleans(),
    sizes=st.lists(st.integers(1, 4), min_size=8, max_size=8),
)
async def test_paging_is_stable_while_new_orders_come(
    client: Client, clock: ManualClock, ordering: str, is_forwards: bool, sizes: list[int]
) -> None:
    asked = {"filter": {"createdAfter": clock.now().isoformat()}, "orderBy": ordering}
    for _ in range(4):
        await add(client, clock)
    whole = names_of(await page(client, **asked))
    seen: list[str] = []
    limit, edge, cursor = (
        ("first", "after", "endCursor") if is_forwards else ("last", "before", "startCursor")
    )
    at = None
    for size in sizes:
        if set(whole) <= set(seen):
            break
        found = await page(client, **asked, **{limit: size, edge: at})
        seen += names_of(found) if is_forwards else names_of(found)[::-1]
        at = found["pageInfo"][cursor]
        await add(client, clock)
    assert len(seen) == len(set(seen))
    known = [name for name in seen if name in whole]
    assert known == (whole if is_forwards else whole[::-1])


async def add(client: Client, clock: ManualClock) -> None:
    await place(client, WAITING, price="0.01", amount="500")
    await clock.advance(0.001)


def bad(field: str, code: str = "BAD_USER_INPUT") -> Data:
    return {"code": code, "field": field.split(".")}


SIZES: list[tuple[dict[str, Any], str]] = [
    ({"first": -1}, "first"),
    ({"first": 0}, "first"),
    ({"first": 501}, "first"),
    ({"first": 10**9}, "first"),
    ({"last": -1}, "last"),
    ({"last": 0}, "last"),
    ({"last": 501}, "last"),
    ({"first": 1, "last": 1}, "first"),
]


@on_shared
@pytest.mark.parametrize(("asked", "field"), SIZES, ids=str)
async def test_a_page_is_1_to_500_from_one_end(
    shared_client: Client, asked: dict[str, Any], field: str
) -> None:
    _, extensions = await shared_client.refused(LIST, **asked)
    assert extensions == bad(field)
    if "last" not in asked:
        for name in ("fills", "markets"):
            query = f"query ($first: Int) {{ {name}(first: $first) {{ nodes {{ id }} }} }}"
            assert (await shared_client.refused(query, **asked))[1] == bad(field)


@on_shared
async def test_a_number_beyond_32_bits_is_bad_input(shared_client: Client) -> None:
    _, extensions = await shared_client.refused(LIST, first=10**10)
    assert extensions == {"code": "BAD_USER_INPUT"}


@on_shared
@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("clientOrderIds", [f"n-{number}" for number in range(10_000)]),
        ("clientOrderIds", ["x"] * 501),
        ("clientOrderIds", ["nul\0"]),
        ("symbols", ["x" * 201]),
        ("symbols", ["\ud800"]),
        ("statuses", ["OPEN"] * 501),
        ("types", ["LIMIT"] * 501),
        ("sources", ["API"] * 501),
        ("strategy", "x" * 201),
        ("strategy", "nul\0"),
    ],
    ids=lambda it: ascii(it)[:30],
)
async def test_a_filter_that_holds_too_much_is_bad_input(
    shared_client: Client, field: str, value: object
) -> None:
    _, extensions = await shared_client.refused(LIST, filter={field: value})
    assert extensions == bad(f"filter.{field}")


@on_shared
async def test_five_hundred_in_a_filter_are_taken(shared_client: Client) -> None:
    wanted = {"clientOrderIds": [f"n-{number}" for number in range(500)]}
    assert (await page(shared_client, filter=wanted))["totalCount"] == 0


@on_shared
async def test_an_account_nobody_knows_is_told_with_its_place(shared_client: Client) -> None:
    _, extensions = await shared_client.refused(LIST, filter={"account": "nobody"})
    assert extensions == {**bad("filter.account"), "reason": "UNKNOWN_ACCOUNT"}
    fills = '{ fills(filter: {account: "nobody"}) { nodes { id } } }'
    assert (await shared_client.refused(fills))[1] == extensions


GARBAGE = ["", "garbage", "x" * 100_000, "AAAA", "b3JkZXJz", "%%%", "ünïcödé", "\0", "\ud800"]


@on_shared
@pytest.mark.parametrize("cursor", GARBAGE, ids=lambda it: ascii(it)[:20])
@pytest.mark.parametrize("field", ["after", "before"])
async def test_garbage_is_no_cursor(shared_client: Client, cursor: str, field: str) -> None:
    message, extensions = await shared_client.refused(LIST, **{field: cursor})
    assert extensions == bad(field, "CURSOR_INVALID")
    assert not cursor or cursor not in message


async def test_a_cursor_is_good_in_its_own_list_only(client: Client) -> None:
    order = await place(client)
    found = await page(client, orderBy="CREATED_AT_ASC")
    own = found["pageInfo"]["endCursor"]
    told = await client.ask(
        "query ($id: ID!) { fills { pageInfo { endCursor } } order(id: $id) {"
        " fills { pageInfo { endCursor } } history { pageInfo { endCursor } } } }",
        id=order["id"],
    )
    foreign = [
        found["asOf"],
        told["fills"]["pageInfo"]["endCursor"],
        told["order"]["fills"]["pageInfo"]["endCursor"],
        told["order"]["history"]["pageInfo"]["endCursor"],
    ]
    for cursor in foreign:
        _, extensions = await client.refused(LIST, orderBy="CREATED_AT_ASC", after=cursor)
        assert extensions == bad("after", "CURSOR_INVALID")
    _, extensions = await client.refused(LIST, orderBy="CREATED_AT_DESC", after=own)
    assert extensions == bad("after", "CURSOR_INVALID")
    for name in ("fills", "markets"):
        query = f"query ($after: Cursor) {{ {name}(after: $after) {{ nodes {{ id }} }} }}"
        _, extensions = await client.refused(query, after=own)
        assert extensions == bad("after", "CURSOR_INVALID")


async def test_a_cursor_outlives_its_order_in_the_page(client: Client) -> None:
    for name in ("a", "b", "c"):
        await place(client, WAITING, clientOrderId=name)
    first = await page(client, orderBy="CREATED_AT_ASC", first=1, filter={"open": True})
    await client.ask('mutation { cancelOrder(input: {clientOrderId: "a"}) { __typename } }')
    after = first["pageInfo"]["endCursor"]
    rest = await page(client, orderBy="CREATED_AT_ASC", after=after, filter={"open": True})
    assert names_of(rest) == ["b", "c"]


async def test_markets_are_searched_and_paged(client: Client) -> None:
    query = """query ($search: String, $first: Int, $after: Cursor) {
      markets(search: $search, first: $first, after: $after) {
        nodes { symbol } pageInfo { hasNextPage hasPreviousPage endCursor }
      }
    }"""
    whole = (await client.ask(query))["markets"]["nodes"]
    assert [node["symbol"] for node in whole] == ["BTC/USD", "BTC/USDT", "ETH/USDT", "SOL/USDT"]
    seen: list[Data] = []
    after = None
    for _ in range(2):
        found = (await client.ask(query, first=2, after=after))["markets"]
        assert found["pageInfo"]["hasPreviousPage"] is (after is not None)
        seen += found["nodes"]
        after = found["pageInfo"]["endCursor"]
    assert seen == whole
    assert found["pageInfo"]["hasNextPage"] is False
    found = (await client.ask(query, search="btc"))["markets"]
    assert len(found["nodes"]) == 2
