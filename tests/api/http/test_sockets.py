from datetime import timedelta
from typing import cast

import pytest
from starlette.applications import Starlette
from starlette.routing import WebSocketRoute

from app.services import Services
from schema.build import build_schema
from schema.http.transport import GraphQLEndpoint
from tests.api.access.test_tokens import create, revoke
from tests.api.conftest import ADMIN, Api, on_shared
from tests.conftest import START
from tests.support.api.clients import Client, Closed, Data, Socket, connected
from tests.support.api.servers import serving
from tests.support.api.trading import PLACE, WAITING, place
from tests.support.clock import ManualClock

WHO = "{ viewer { name } }"
WATCH = "subscription { orderUpdates { kind order { clientOrderId } } }"
TWO = "query A { a: viewer { name } } query B { b: viewer { name } }"
FORBIDDEN = Closed(4403, "Forbidden")


@on_shared
@pytest.mark.parametrize("name", ["Authorization", "authorization"])
@pytest.mark.parametrize("scheme", ["Bearer", "bearer"])
async def test_a_token_lets_in(shared_api: Api, name: str, scheme: str) -> None:
    async with shared_api.socket() as socket:
        assert socket.subprotocol == "graphql-transport-ws"
        await socket.say(type="connection_init", payload={name: f"{scheme} {ADMIN}"})
        assert await socket.hear() == {"type": "connection_ack"}


@on_shared
@pytest.mark.parametrize(
    "message",
    [
        {},
        {"payload": None},
        {"payload": {}},
        {"payload": {"Authorization": None}},
        {"payload": {"Authorization": ""}},
        {"payload": {"Authorization": 5}},
        {"payload": {"Authorization": [f"Bearer {ADMIN}"]}},
        {"payload": {"Authorization": ADMIN}},
        {"payload": {"Authorization": "Bearer odk_wrong"}},
        {"payload": {"Authorization": "Bearer \ud800"}},
        {"payload": {"token": ADMIN}},
    ],
    ids=lambda it: ascii(it).replace(ADMIN, "TOKEN"),
)
async def test_without_a_good_token_the_socket_ends(shared_api: Api, message: Data) -> None:
    async with shared_api.socket() as socket:
        await socket.say(type="connection_init", **message)
        assert await socket.closed() == FORBIDDEN


@on_shared
async def test_an_operation_before_the_ack_is_unauthorized(shared_api: Api) -> None:
    async with shared_api.socket() as socket:
        await socket.subscribe("1", WHO)
        assert await socket.closed() == Closed(4401, "Unauthorized")


MALFORMED = {
    "nothing": "",
    "no json": "{",
    "half": '{"type": "ping"',
    "a number": "5",
    "null": "null",
    "a list": "[]",
    "very deep": "[" * 4_000,
    "no type": "{}",
    "a type that is no text": '{"type": 5}',
    "an unknown type": '{"type": "start"}',
    "a very long type": '{"type": "' + "x" * 4000 + '"}',
    "no id": '{"type": "subscribe", "payload": {"query": "{ viewer { name } }"}}',
    "an id that is no text": '{"type": "subscribe", "id": 1, "payload": {"query": ""}}',
    "an empty id": '{"type": "subscribe", "id": "", "payload": {"query": ""}}',
    "no payload": '{"type": "subscribe", "id": "1"}',
    "a payload that is no object": '{"type": "subscribe", "id": "1", "payload": []}',
    "no query": '{"type": "subscribe", "id": "1", "payload": {}}',
    "a query that is no text": '{"type": "subscribe", "id": "1", "payload": {"query": 5}}',
    "variables that are no object": (
        '{"type": "subscribe", "id": "1", "payload": {"query": "{a}", "variables": []}}'
    ),
    "an operation name that is no text": (
        '{"type": "subscribe", "id": "1", "payload": {"query": "{a}", "operationName": 5}}'
    ),
    "extensions that are no object": (
        '{"type": "subscribe", "id": "1", "payload": {"query": "{a}", "extensions": 5}}'
    ),
    "a ping with a number": '{"type": "ping", "payload": 5}',
    "a pong with a list": '{"type": "pong", "payload": []}',
    "an init with a text": '{"type": "connection_init", "payload": "token"}',
    "complete without an id": '{"type": "complete"}',
    "complete with a number": '{"type": "complete", "id": 1}',
}
NO_JSON = {
    "NaN": "NaN",
    "infinite": "Infinity",
    "minus infinity": "-Infinity",
    "3,000 digits": "9" * 3000,
    "minus 3,000 digits": "-" + "9" * 3000,
}
ASKED = '"query": "query ($it: JSON) { viewer { name } }"'
PLACES = {
    "alone": "%s",
    "a ping": '{"type": "ping", "payload": {"at": %s}}',
    "an init": '{"type": "connection_init", "payload": {"a": [%s]}}',
    "variables": f'{{"type": "subscribe", "id": "1", "payload": {{{ASKED}, "variables": %s}}}}',
    "deep in variables": (
        f'{{"type": "subscribe", "id": "1", "payload": {{{ASKED},'
        ' "variables": {"it": [{"a": [1, %s]}]}}}'
    ),
    "deep in extensions": (
        f'{{"type": "subscribe", "id": "1", "payload": {{{ASKED},'
        ' "extensions": {"a": {"b": %s}}}}'
    ),
    "what is unknown": '{"type": "pong", "more": {"a": %s}}',
}


@on_shared
@pytest.mark.parametrize("frame", MALFORMED.values(), ids=MALFORMED.keys())
@pytest.mark.parametrize("is_known", [True, False], ids=["after the ack", "before it"])
async def test_a_malformed_message_ends_the_socket_in_a_few_words(
    shared_api: Api, frame: str, is_known: bool
) -> None:
    async with shared_api.socket() as socket:
        if is_known:
            await socket.init(ADMIN)
        await socket.send(frame)
        closed = await socket.closed()
    assert closed.code == 4400
    assert 0 < len(closed.reason) < 50


@on_shared
@pytest.mark.parametrize("place", PLACES.values(), ids=PLACES.keys())
@pytest.mark.parametrize("number", NO_JSON.values(), ids=NO_JSON.keys())
@pytest.mark.parametrize("is_known", [True, False], ids=["after the ack", "before it"])
async def test_a_number_that_is_no_json_ends_the_socket_wherever_it_stands(
    shared_api: Api, place: str, number: str, is_known: bool
) -> None:
    async with shared_api.socket() as socket:
        if is_known:
            await socket.init(ADMIN)
        await socket.send(place % number)
        assert await socket.closed() == Closed(4400, "WebSocket message must be valid JSON")


@on_shared
async def test_a_binary_message_ends_the_socket(shared_api: Api) -> None:
    async with shared_api.socket() as socket:
        await socket.init(ADMIN)
        await socket.send(b'{"type": "ping"}')
        assert (await socket.closed()).code == 4400


@on_shared
async def test_a_second_init_ends_the_socket(shared_api: Api) -> None:
    async with shared_api.socket() as socket:
        await socket.init(ADMIN)
        await socket.say(type="connection_init", payload={"Authorization": f"Bearer {ADMIN}"})
        assert await socket.closed() == Closed(4429, "Too many initialisation requests")


@on_shared
@pytest.mark.parametrize("name", ["1", "x" * 500, "\ud800" * 50], ids=["short", "long", "odd"])
async def test_an_id_in_use_ends_the_socket(shared_api: Api, name: str) -> None:
    async with shared_api.socket() as socket:
        await socket.init(ADMIN)
        await socket.subscribe(name, WATCH)
        await socket.subscribe(name, WATCH)
        closed = await socket.closed()
    assert closed.code == 4409
    assert closed.reason.startswith("Subscriber for ")


@on_shared
@pytest.mark.parametrize("names", [(), ("graphql-ws",), ("other",)], ids=str)
async def test_another_protocol_is_not_spoken(shared_api: Api, names: tuple[str, ...]) -> None:
    async with shared_api.socket(subprotocols=names) as socket:
        assert (await socket.closed()).code == 4406


async def test_a_socket_that_says_nothing_is_ended() -> None:
    endpoint = GraphQLEndpoint(build_schema(), lambda: cast("Services", None))
    endpoint.connection_init_wait_timeout = timedelta(milliseconds=20)
    app = Starlette(routes=[WebSocketRoute("/graphql", endpoint)])
    async with serving(app) as address, connected(address) as socket:
        assert await socket.closed() == Closed(4408, "Connection initialisation timeout")


@on_shared
async def test_a_ping_is_answered_and_a_pong_is_not(shared_api: Api) -> None:
    async with shared_api.socket() as socket:
        await socket.say(type="ping")
        assert await socket.hear() == {"type": "pong"}
        await socket.say(type="pong", payload={"a": 1})
        await socket.init(ADMIN)
        await socket.say(type="ping", payload={"a": 1})
        assert (await socket.hear())["type"] == "pong"


async def test_queries_and_mutations_run_on_a_socket_too(socket: Socket) -> None:
    await socket.subscribe("q", "{ viewer { scopes } }")
    assert await socket.hear_data("q") == {"viewer": {"scopes": ["ADMIN"]}}
    await socket.hear_complete("q")
    await socket.subscribe("m", PLACE, input={**WAITING, "clientOrderId": "mine"})
    placed = (await socket.hear_data("m"))["placeOrder"]
    assert placed["order"]["clientOrderId"] == "mine"
    await socket.hear_complete("m")
    await socket.subscribe("q", "{ orders { totalCount } }")
    assert await socket.hear_data("q") == {"orders": {"totalCount": 1}}


@on_shared
@pytest.mark.parametrize(
    ("payload", "code"),
    [
        ({"query": "{"}, "GRAPHQL_PARSE_FAILED"),
        ({"query": ""}, "GRAPHQL_PARSE_FAILED"),
        ({"query": "\ud800"}, "GRAPHQL_PARSE_FAILED"),
        ({"query": "{ nothing }"}, "GRAPHQL_VALIDATION_FAILED"),
        ({"query": "fragment F on Query { __typename }"}, "GRAPHQL_VALIDATION_FAILED"),
        ({"query": TWO}, "GRAPHQL_VALIDATION_FAILED"),
        ({"query": TWO, "operationName": "C"}, "GRAPHQL_VALIDATION_FAILED"),
        ({"query": TWO, "operationName": ""}, "GRAPHQL_VALIDATION_FAILED"),
        ({"query": '{ orders(first: "x") { totalCount } }'}, "BAD_USER_INPUT"),
        ({"query": "query ($n: Int!) { orders(first: $n) { totalCount } }"}, "BAD_USER_INPUT"),
    ],
    ids=lambda it: ascii(it)[-40:],
)
async def test_what_cannot_be_run_ends_its_own_operation_alone(
    shared_api: Api, payload: Data, code: str
) -> None:
    async with shared_api.socket() as socket:
        await socket.init(ADMIN)
        await socket.subscribe("living", WATCH)
        await socket.say(type="subscribe", id="bad", payload=payload)
        message = await socket.hear()
        # What failed only when it was run is told as any answer is.
        if message["type"] == "next":
            errors = message["payload"]["errors"]
            await socket.hear_complete("bad")
        else:
            assert (message["type"], message["id"]) == ("error", "bad")
            errors = message["payload"]
        assert {error["extensions"]["code"] for error in errors} == {code}
        await socket.subscribe("bad", WHO)
        await socket.hear_data("bad")
        await socket.hear_complete("bad")
        await socket.say(type="complete", id="living")


async def test_other_operations_go_on_when_one_fails(client: Client, socket: Socket) -> None:
    after = (await client.ask("{ orders { asOf } }"))["orders"]["asOf"]
    query = "subscription ($after: Cursor) { orderUpdates(after: $after) { kind } }"
    await socket.subscribe("living", query, after=after)
    await socket.subscribe("bad", "{")
    await socket.hear_error("bad")
    await place(client)
    kinds = [(await socket.hear_data("living"))["orderUpdates"]["kind"] for _ in range(3)]
    assert kinds == ["SUBMITTED", "ACCEPTED", "FILL"]


async def test_complete_ends_a_subscription_and_frees_its_id(
    client: Client, socket: Socket
) -> None:
    await socket.subscribe("1", WATCH)
    await socket.say(type="complete", id="1")
    await socket.say(type="complete", id="1")
    await socket.say(type="complete", id="nobody")
    await place(client)
    await socket.subscribe("1", WHO)
    assert await socket.hear_data("1") == {"viewer": {"name": "configured admin token"}}
    await socket.hear_complete("1")


async def test_a_missing_scope_ends_its_operation_alone(api: Api, client: Client) -> None:
    told = await create(client)
    async with api.socket() as socket:
        await socket.init(told["secret"])
        await socket.subscribe("1", "{ tokens { id } viewer { name } }")
        message = await socket.hear()
        assert message["payload"]["data"] == {"tokens": None, "viewer": {"name": "a client"}}
        [error] = message["payload"]["errors"]
        assert error["extensions"] == {"code": "FORBIDDEN"}


async def test_a_revoked_token_ends_its_sockets_at_once(
    api: Api, client: Client, socket: Socket
) -> None:
    told = await create(client)
    async with api.socket() as one, api.socket() as other:
        for revoked in (one, other):
            await revoked.init(told["secret"])
            await revoked.subscribe("1", WATCH)
        await revoke(client, told["token"]["id"])
        assert await one.closed() == FORBIDDEN
        assert await other.closed() == FORBIDDEN
    await socket.subscribe("1", WHO)
    await socket.hear_data("1")


async def test_an_expired_token_ends_its_sockets_within_a_second(
    api: Api, client: Client, clock: ManualClock
) -> None:
    until = (START + timedelta(seconds=5)).isoformat()
    told = await create(client, expiresAt=until)
    async with api.socket() as socket:
        await socket.init(told["secret"])
        await socket.subscribe("1", WATCH)
        await clock.advance(4)
        await socket.say(type="ping")
        assert await socket.hear() == {"type": "pong"}
        await clock.advance(2)
        assert await socket.closed() == FORBIDDEN
