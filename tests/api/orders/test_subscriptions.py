import asyncio
from contextlib import aclosing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from app.domain.access.tokens import Scope, Token
from app.runtime import Parts
from app.services import Services
from schema.build import build_schema
from schema.context import Context
from tests.api.access.test_tokens import make_token
from tests.api.conftest import Api, Serve, running, settings_of
from tests.conftest import START, on_each_database
from tests.support.api.clients import PATIENCE_SECONDS, Client, Data, Socket
from tests.support.api.trading import WAITING, place
from tests.support.clock import ManualClock
from tests.support.makers import make_request

WATCH = """subscription ($filter: OrderFilter, $after: Cursor) {
  orderUpdates(filter: $filter, after: $after) {
    cursor kind at previousStatus reason
    fill { amount order { clientOrderId } }
    order { clientOrderId status revision filled
      fills { nodes { amount } } history { nodes { kind cursor } } }
  }
}"""
TOKEN = Token(id="1", name="a client", scopes=(Scope.TRADE,), created_at=START)
NOW = "{ orders { asOf } }"
CANCEL = "mutation ($it: String!) { cancelOrder(input: {clientOrderId: $it}) { __typename } }"


async def watch(socket: Socket, name: str = "1", **asked: object) -> None:
    """Begin to watch; an answer to something asked later shows that the server has taken it up."""
    await socket.subscribe(name, WATCH, **asked)


async def now(client: Client) -> str:
    as_of: str = (await client.ask(NOW))["orders"]["asOf"]
    return as_of


async def updates(socket: Socket, count: int, name: str = "1") -> list[Data]:
    return [(await socket.hear_data(name))["orderUpdates"] for _ in range(count)]


def told(found: list[Data]) -> list[tuple[str, str]]:
    return [(one["order"]["clientOrderId"], one["kind"]) for one in found]


LIFE = ["SUBMITTED", "ACCEPTED", "FILL"]


async def test_whoever_watches_misses_nothing_of_what_is_asked_behind_it(
    services: Services,
) -> None:
    """However late the subscription begins, for whatever reason."""
    context = Context(services=services, token=TOKEN).for_operation()
    await services.orders.place(make_request(client_order_id="at-once"))
    results: Any = await build_schema().stream(WATCH, context_value=context)
    async with asyncio.timeout(PATIENCE_SECONDS), aclosing(results):
        found = [(await anext(results)).data["orderUpdates"] for _ in LIFE]
    assert told(found) == [("at-once", kind) for kind in LIFE]


@on_each_database
async def test_behind_a_list_nothing_is_missed_and_nothing_repeated(
    client: Client, socket: Socket
) -> None:
    await place(client, clientOrderId="before")
    as_of = await now(client)
    await place(client, clientOrderId="between")
    await watch(socket, after=as_of)
    found = await updates(socket, 3)
    await place(client, clientOrderId="after")
    found += await updates(socket, 3)
    assert told(found) == [(name, kind) for name in ("between", "after") for kind in LIFE]
    assert len({one["cursor"] for one in found}) == 6


async def test_an_update_tells_the_order_as_it_was(client: Client, socket: Socket) -> None:
    after = await now(client)
    await place(client, clientOrderId="mine")
    await watch(socket, after=after)
    found = await updates(socket, 3)
    assert [one["previousStatus"] for one in found] == [None, "SUBMITTING", "OPEN"]
    assert [one["order"]["status"] for one in found] == ["SUBMITTING", "OPEN", "FILLED"]
    assert [one["order"]["revision"] for one in found] == [1, 2, 3]
    assert [one["order"]["filled"] for one in found] == ["0", "0", "0.001"]
    for number, one in enumerate(found):
        history = one["order"]["history"]["nodes"]
        assert [event["cursor"] for event in history] == [
            update["cursor"] for update in found[: number + 1]
        ]
        assert len(one["order"]["fills"]["nodes"]) == (1 if number == 2 else 0)
    assert found[2]["fill"] == {"amount": "0.001", "order": {"clientOrderId": "mine"}}
    assert found[0]["fill"] is None


async def test_going_on_from_any_cursor_gives_the_rest(
    client: Client, api: Api, socket: Socket
) -> None:
    after = await now(client)
    await place(client)
    await place(client)
    await watch(socket, after=after)
    found = await updates(socket, 6)
    async with api.socket() as other:
        await other.init(api.token)
        for number, update in enumerate(found[:-1]):
            name = f"from-{number}"
            await watch(other, name, after=update["cursor"])
            assert await updates(other, 5 - number, name) == found[number + 1 :]
            await other.say(type="complete", id=name)


async def test_without_a_cursor_only_what_comes_is_told(client: Client, socket: Socket) -> None:
    await place(client, clientOrderId="before")
    await watch(socket)
    # The server takes what it reads in order: the answer comes after the subscription began.
    await until_taken_up(socket)
    await place(client, clientOrderId="after")
    assert told(await updates(socket, 3)) == [("after", kind) for kind in LIFE]


async def until_taken_up(socket: Socket) -> None:
    """A subscription reads the log once before it waits, and so does this, after it."""
    for name in ("a", "b"):
        await socket.subscribe(name, NOW)
        await socket.hear_data(name)
        await socket.hear_complete(name)


@pytest.mark.parametrize(
    ("wanted", "names"),
    [
        ({"symbols": ["ETH/USDT"]}, ["e"] * 2),
        ({"open": True}, ["b", "b", "f", "f", "f", "e", "e", "b", "b"]),
        ({"statuses": ["CANCELED"]}, ["b"]),
        ({"statuses": ["FILLED"]}, ["f"]),
        ({"types": ["MARKET"], "side": "BUY"}, ["f"] * 3),
        ({"clientOrderIds": ["b", "nobody"]}, ["b"] * 4),
        ({"sources": ["API"], "account": "paper", "side": "BUY"}, list("bbfffeebb")),
        ({"createdAfter": "2026-01-05T12:00:01Z"}, ["e"] * 2),
    ],
    ids=str,
)
async def test_a_filter_lets_through_what_matched_before_or_after(
    client: Client, socket: Socket, clock: ManualClock, wanted: Data, names: list[str]
) -> None:
    after = await now(client)
    await place(client, WAITING, clientOrderId="b")
    await place(client, clientOrderId="f")
    await clock.advance(1)
    await place(client, WAITING, clientOrderId="e", symbol="ETH/USDT", amount="1", price="10")
    await client.ask(CANCEL, it="b")
    await watch(socket, after=after, filter=wanted)
    found = await updates(socket, len(names))
    assert [one["order"]["clientOrderId"] for one in found] == names
    # Nothing else was on its way.
    await until_taken_up(socket)


@pytest.mark.parametrize("cursor", ["", "garbage", "x" * 5000, "ünïcödé", "\0"], ids=ascii)
async def test_garbage_ends_the_operation_before_anything_else(socket: Socket, cursor: str) -> None:
    await watch(socket, after=cursor)
    [error] = await socket.hear_error("1")
    assert error["extensions"] == {"code": "CURSOR_INVALID", "field": ["after"]}


async def test_a_cursor_of_a_list_or_of_another_log_is_invalid(
    client: Client, socket: Socket
) -> None:
    await place(client)
    lists = await client.ask(
        "{ orders { pageInfo { endCursor } } fills { pageInfo { endCursor } } }"
    )
    foreign = "MDEyMzQ1Njc4OWFiY2RlZi4xLmFiY2RlZjAx"
    for cursor in (
        lists["orders"]["pageInfo"]["endCursor"],
        lists["fills"]["pageInfo"]["endCursor"],
        foreign,
    ):
        await watch(socket, after=cursor)
        [error] = await socket.hear_error("1")
        assert error["extensions"] == {"code": "CURSOR_INVALID", "field": ["after"]}


async def test_a_cursor_from_before_the_kept_log_has_expired(
    database_url: str, tmp_path: Path
) -> None:
    settings = settings_of(database_url, tmp_path, event_retention_days="1")
    async with running(settings, Parts(clock=ManualClock(START))) as api:
        old = await now(api.client())
        order = await place(api.client())
    later = ManualClock(START + timedelta(days=2))
    async with running(settings, Parts(clock=later)) as api, api.socket() as socket:
        await until_pruned(api.client(), order["id"])
        await socket.init(api.token)
        await watch(socket, after=old)
        [error] = await socket.hear_error("1")
    assert error["extensions"] == {"code": "CURSOR_EXPIRED", "field": ["after"]}


async def until_pruned(client: Client, order_id: str) -> None:
    query = "query ($id: ID!) { order(id: $id) { history { nodes { kind } } } }"
    async with asyncio.timeout(PATIENCE_SECONDS):
        while (await client.ask(query, id=order_id))["order"]["history"]["nodes"]:
            pass


async def test_a_bad_filter_ends_the_operation_with_its_field(socket: Socket) -> None:
    await watch(socket, filter={"clientOrderIds": ["x"] * 10_000})
    [error] = await socket.hear_error("1")
    assert error["extensions"] == {
        "code": "BAD_USER_INPUT", "field": ["filter", "clientOrderIds"],
    }  # fmt: skip
    await watch(socket, filter={"account": "nobody"})
    [error] = await socket.hear_error("1")
    assert error["extensions"]["field"] == ["filter", "account"]
    await watch(socket, filter={"createdAfter": "2026-01-05T12:00:00"})
    [error] = await socket.hear_error("1")
    assert error["extensions"] == {"code": "BAD_USER_INPUT"}


async def test_updates_of_other_accounts_are_not_told(serve: Serve) -> None:
    api = await serve(accounts__one__exchange="paper", accounts__two__exchange="paper")
    admin = api.client()
    after = await now(admin)
    secret = await make_token(admin, accountNames=["one"])
    await place(admin, account="two", clientOrderId="theirs")
    await place(admin, account="one", clientOrderId="mine")
    async with api.socket() as socket:
        await socket.init(secret)
        await watch(socket, after=after)
        assert told(await updates(socket, 3)) == [("mine", kind) for kind in LIFE]


async def test_many_watch_and_each_gets_all(client: Client, api: Api) -> None:
    after = await now(client)
    async with api.socket() as one, api.socket() as other:
        for socket in (one, other):
            await socket.init(api.token)
            for name in ("1", "2"):
                await watch(socket, name, after=after)
        await asyncio.gather(*(place(client) for _ in range(3)))
        for socket in (one, other):
            seen: dict[str, list[str]] = {"1": [], "2": []}
            for _ in range(18):
                message = await socket.hear()
                update = message["payload"]["data"]["orderUpdates"]
                seen[message["id"]].append(update["cursor"])
            assert seen["1"] == seen["2"]
            assert len(set(seen["1"])) == 9
