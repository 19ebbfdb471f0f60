"""The client of gql, with which most programs in Python are written."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from gql import Client, GraphQLRequest
from gql.client import AsyncClientSession
from gql.transport.async_transport import AsyncTransport
from gql.transport.exceptions import TransportQueryError, TransportServerError
from gql.transport.httpx import HTTPXAsyncTransport
from gql.transport.websockets import WebsocketsTransport
from graphql import print_schema

from tests.conformance.conftest import PATIENCE_SECONDS, on_server
from tests.conformance.operations import AS_OF, KINDS, PLACE, UPDATES, WHO, order
from tests.support.processes.servers import ServerProcess


def over_http(server: ServerProcess, token: str) -> AsyncTransport:
    return HTTPXAsyncTransport(server.url, headers={"Authorization": f"Bearer {token}"})


def over_socket(server: ServerProcess, token: str) -> AsyncTransport:
    bearer = {"Authorization": f"Bearer {token}"}
    return WebsocketsTransport(server.socket_url, init_payload=bearer, keep_alive_timeout=None)


@pytest_asyncio.fixture(loop_scope="session", params=[over_http, over_socket])
async def session(
    server: ServerProcess, request: pytest.FixtureRequest
) -> AsyncIterator[AsyncClientSession]:
    transport = request.param(server, server.token)
    client = Client(transport=transport, fetch_schema_from_transport=True)
    async with client as session:
        yield session


@on_server
async def test_the_schema_is_fetched_and_the_document_checked_against_it(
    session: AsyncClientSession,
) -> None:
    schema = session.client.schema
    assert schema is not None
    assert "type Order implements Node" in print_schema(schema)
    assert await session.execute(GraphQLRequest(WHO)) == {"viewer": {"name": "admin-token file"}}


@on_server
async def test_what_is_placed_is_answered(session: AsyncClientSession) -> None:
    name = f"by-{type(session.transport).__name__}"
    request = GraphQLRequest(PLACE, variable_values={"input": order(name)})
    answer = await session.execute(request)
    assert answer["placeOrder"]["order"] == {"clientOrderId": name, "status": "FILLED"}


@on_server
async def test_an_error_is_told_with_its_code(session: AsyncClientSession) -> None:
    request = GraphQLRequest('{ order(id: "nonsense") { id } }')
    with pytest.raises(TransportQueryError) as raised:
        await session.execute(request)
    assert raised.value.errors is not None
    assert raised.value.errors[0]["extensions"]["code"] == "BAD_USER_INPUT"


@on_server
async def test_updates_are_heard_in_order(server: ServerProcess) -> None:
    async with Client(transport=over_socket(server, server.token)) as session:
        after = (await session.execute(GraphQLRequest(AS_OF)))["orders"]["asOf"]
        variables = {"input": order("heard-by-gql")}
        await session.execute(GraphQLRequest(PLACE, variable_values=variables))
        kinds = []
        async with asyncio.timeout(PATIENCE_SECONDS):
            updates = GraphQLRequest(UPDATES, variable_values={"after": after})
            async for update in session.subscribe(updates):
                kinds.append(update["orderUpdates"]["kind"])
                if len(kinds) == len(KINDS):
                    break
        assert kinds == KINDS


@on_server
async def test_a_wrong_token_is_refused_in_words(server: ServerProcess) -> None:
    with pytest.raises((TransportServerError, TransportQueryError), match=r"401|no such token"):
        async with Client(transport=over_http(server, "odk_wrong")) as session:
            await session.execute(GraphQLRequest(WHO))
