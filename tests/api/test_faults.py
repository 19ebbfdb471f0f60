"""What happens inside stays inside, and what can be done about it is told."""

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import create_engine, text
from structlog.testing import capture_logs

from app.exchanges.paper.faults import Faults
from tests.api.conftest import ADMIN, Api
from tests.support.api.clients import Client, Socket
from tests.support.api.trading import place

HIDDEN = "something went wrong inside; the operator finds it by the request id"


@pytest.fixture(autouse=True)
def logs() -> Iterator[list[Any]]:
    with capture_logs() as logs:
        yield logs


def spoil(database_url: str, statement: str) -> None:
    """Change the database behind the server's back."""
    engine = create_engine(database_url.replace("+aiosqlite", ""))
    with engine.begin() as connection:
        connection.execute(text(statement))
    engine.dispose()


NONSENSE = "UPDATE orders SET status = 'secret nonsense'"
GONE = "ALTER TABLE orders RENAME TO hidden_away"


async def test_a_fault_is_told_by_its_request_id_and_found_by_it(
    client: Client, database_url: str, logs: list[Any]
) -> None:
    await place(client)
    spoil(database_url, NONSENSE)
    message, extensions = await client.refused("{ orders { nodes { id } } }")
    assert message == HIDDEN
    assert set(extensions) == {"code", "requestId"}
    assert extensions["code"] == "INTERNAL_SERVER_ERROR"
    [logged] = [one for one in logs if one["event"] == "request.failed"]
    assert logged["request_id"] == extensions["requestId"]
    assert "secret nonsense" in repr(logged["exc_info"])


async def test_a_fault_in_one_field_leaves_the_others(client: Client, database_url: str) -> None:
    await place(client)
    spoil(database_url, NONSENSE)
    told = await client.response("{ viewer { name } orders { nodes { id } } accounts { name } }")
    assert told["data"] == {
        "viewer": {"name": "configured admin token"},
        "orders": None,
        "accounts": [{"name": "paper"}],
    }
    assert [error["path"] for error in told["errors"]] == [["orders"]]


async def test_a_database_that_cannot_be_read_is_told_in_its_own_words(
    client: Client, database_url: str, logs: list[Any]
) -> None:
    spoil(database_url, GONE)
    message, extensions = await client.refused("{ orders { totalCount } }")
    assert message == "the database cannot be reached"
    assert extensions["code"] == "INTERNAL_SERVER_ERROR"
    assert extensions["requestId"] in [one.get("request_id") for one in logs]


async def test_without_its_tokens_the_server_says_so_and_not_that_the_token_is_wrong(
    api: Api, database_url: str
) -> None:
    spoil(database_url, "ALTER TABLE tokens RENAME TO hidden_away")
    answer = await api.client().post({"query": "{ viewer { name } }"})
    assert answer.status_code == 503
    [error] = answer.json()["errors"]
    assert set(error["extensions"]) == {"code", "requestId"}
    async with api.socket() as socket:
        await socket.say(type="connection_init", payload={"Authorization": f"Bearer {ADMIN}"})
        assert (await socket.closed()).code == 1013


async def test_an_error_in_the_middle_of_a_stream_is_told(
    client: Client, socket: Socket, database_url: str
) -> None:
    after = (await client.ask("{ orders { asOf } }"))["orders"]["asOf"]
    order = await place(client)
    query = """subscription ($after: Cursor) { orderUpdates(after: $after) {
      kind order { fills { nodes { id } } }
    } }"""
    await socket.subscribe("1", query, after=after)
    for kind in ("SUBMITTED", "ACCEPTED", "FILL"):
        assert (await socket.hear_data("1"))["orderUpdates"]["kind"] == kind
    spoil(database_url, "ALTER TABLE fills RENAME TO hidden_away")
    note = "mutation ($id: ID!) { setOrderMetadata(id: $id, metadata: {a: 1}) { __typename } }"
    await client.ask(note, id=order["id"])
    message = await socket.hear()
    assert (message["type"], message["id"]) == ("next", "1")
    [error] = message["payload"]["errors"]
    assert error["extensions"]["code"] == "INTERNAL_SERVER_ERROR"
    assert error["message"] == "the database cannot be reached"


async def test_an_exchange_that_is_away_is_told_where_nothing_can_be_shown(
    client: Client, faults: Faults
) -> None:
    faults.is_disconnected = True
    for field in ("markets { nodes { id } }", 'ticker(symbol: "BTC/USDT") { last }'):
        message, extensions = await client.refused(f"{{ {field} }}")
        assert extensions == {"code": "EXCHANGE_UNAVAILABLE"}
        assert message == "the exchange cannot be reached"
    accounts = await client.ask("{ accounts { connectivity connectivityDetail } }")
    assert accounts["accounts"][0]["connectivity"] == "DISCONNECTED"
    assert accounts["accounts"][0]["connectivityDetail"]
