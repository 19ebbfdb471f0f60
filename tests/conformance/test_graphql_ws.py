"""The client of graphql-ws, with which most pages are written."""

import pytest

from app.web.build import Npm
from tests.conformance.conftest import NodeProgram, node, on_server
from tests.conformance.operations import AS_OF, CREATE, KINDS, PLACE, REVOKE, UPDATES, WHO, order
from tests.support.processes.clients import ApiClient, api_client
from tests.support.processes.servers import ServerProcess


def settings(server: ServerProcess, *tokens: str) -> dict[str, str]:
    return {"ORDERDECK_URL": server.socket_url, "ORDERDECK_TOKENS": " ".join(tokens)}


async def heard(program: NodeProgram, count: int) -> list[tuple[str, str]]:
    """The next updates: of which order, and what kind."""
    updates = []
    for _ in range(count):
        message = await program.hear("next", "error", "complete", "failed")
        assert message["event"] == "next", message
        update = message["result"]["data"]["orderUpdates"]
        updates.append((update["order"]["clientOrderId"], update["kind"]))
    return updates


async def as_of(api: ApiClient) -> str:
    cursor: str = (await api.ask(AS_OF))["orders"]["asOf"]
    return cursor


def lived(name: str) -> list[tuple[str, str]]:
    return [(name, kind) for kind in KINDS]


@on_server
async def test_queries_and_mutations_are_answered_and_completed(
    server: ServerProcess, npm: Npm
) -> None:
    async with node(npm, "sockets.mjs", **settings(server, server.token)) as program:
        await program.say(name="q", query=WHO)
        told = await program.hear("next", "error")
        assert told["result"]["data"] == {"viewer": {"name": "admin-token file"}}
        assert (await program.hear("complete", "error"))["name"] == "q"
        await program.say(name="m", query=PLACE, variables={"input": order("by-graphql-ws")})
        told = await program.hear("next", "error")
        placed = told["result"]["data"]["placeOrder"]
        assert placed["order"] == {"clientOrderId": "by-graphql-ws", "status": "FILLED"}
        assert (await program.hear("complete", "error"))["name"] == "m"
        await program.hear("pong")


@on_server
@pytest.mark.parametrize(
    ("query", "code"),
    [("{", "GRAPHQL_PARSE_FAILED"), ("{ nothing }", "GRAPHQL_VALIDATION_FAILED")],
)
async def test_an_error_is_told_and_the_connection_lives_on(
    server: ServerProcess, npm: Npm, query: str, code: str
) -> None:
    async with node(npm, "sockets.mjs", **settings(server, server.token)) as program:
        await program.say(name="bad", query=query)
        told = await program.hear("error", "closed", "next")
        assert [error["extensions"]["code"] for error in told["error"]] == [code]
        await program.say(name="good", query=WHO)
        assert (await program.hear("next", "closed"))["event"] == "next"


@on_server
async def test_a_subscriber_goes_on_after_a_kill_where_it_stopped(
    server: ServerProcess, npm: Npm
) -> None:
    async with (
        node(npm, "sockets.mjs", **settings(server, server.token)) as program,
        api_client(server) as api,
    ):
        await program.say(name="1", query=UPDATES, variables={"after": await as_of(api)})
        await api.place(**order("before"))
        assert await heard(program, 3) == lived("before")
        await server.kill()
        assert (await program.hear("closed"))["code"] == 1006
        await server.start()
        await api.place(**order("after"))
        assert await heard(program, 3) == lived("after")


@on_server
async def test_a_revoked_token_is_4403_and_the_client_comes_back_with_another(
    server: ServerProcess, npm: Npm
) -> None:
    async with api_client(server) as api:
        made = (await api.ask(CREATE, name="to be revoked"))["createToken"]
        tokens = (made["secret"], server.token)
        async with node(npm, "sockets.mjs", **settings(server, *tokens)) as program:
            await program.say(name="1", query=UPDATES, variables={"after": await as_of(api)})
            await api.place(**order("one-token"))
            assert await heard(program, 3) == lived("one-token")
            await api.ask(REVOKE, id=made["token"]["id"])
            closed = await program.hear("closed", "failed")
            assert (closed["code"], closed["reason"]) == (4403, "Forbidden")
            await program.hear("connected")
            await api.place(**order("the-next-token"))
            assert await heard(program, 3) == lived("the-next-token")
