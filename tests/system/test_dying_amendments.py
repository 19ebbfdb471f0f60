"""The server dies while an order is amended, and neither the order nor its place is lost."""

import asyncio
from contextlib import suppress

import pytest
from sqlalchemy import select

from app.bus import Bus
from app.storage import tables
from app.storage.database import Database
from tests.support.processes.books import assert_log_is_whole, differences, read_books
from tests.support.processes.clients import Data, api_client, eventually
from tests.system.conftest import MakeServer

pytestmark = pytest.mark.slow

QUICK = {"reconcile_seconds": 1, "not_found_seconds": 0.5, "exchange_timeout_seconds": 2}
# So far from the market that it waits.
ORDER = {
    "clientOrderId": "mine",
    "symbol": "BTC/USDT",
    "side": "BUY",
    "type": "LIMIT",
    "amount": "0.01",
    "price": "1000",
}
_AMEND = """mutation ($id: ID!) {
  amendOrder(input: { id: $id, amount: "0.02" }) { __typename }
}"""
_COUNTED = "{ risk { openNotional } }"


async def waiting_amendments(database_url: str) -> int:
    database = Database(database_url, Bus())
    try:
        async with database.snapshot() as view:
            return len(await view.sql.all(select(tables.amendments.c.id)))
    finally:
        await database.close()


@pytest.mark.parametrize(
    ("database_url", "crash", "in_the_end"),
    [
        pytest.param(
            "sqlite",
            {"statement": "UPDATE paper_orders", "number": 1, "at_commit": False},
            {"amount": "0.01", "counts": "10"},
            id="between its place and the exchange",
        ),
        pytest.param(
            "postgresql",
            {"statement": "DELETE FROM amendments", "number": 1, "at_commit": True},
            {"amount": "0.02", "counts": "20"},
            id="between the exchange and its answer",
        ),
    ],
    indirect=["database_url"],
)
async def test_an_amendment_that_died_with_the_server_holds_no_place_for_ever(
    make_server: MakeServer, database_url: str, crash: Data, in_the_end: Data
) -> None:
    server = make_server(database_url, **QUICK)
    server.faults = {"crash_around": crash}
    await server.start()
    async with api_client(server) as api:
        placed = await api.place(**ORDER)
        amending = asyncio.create_task(api.ask(_AMEND, id=placed.id))
        await server.died()
        # Its client does not ask again.
        amending.cancel()
        with suppress(asyncio.CancelledError):
            await amending
        assert await waiting_amendments(database_url) == 1
        server.faults = {}
        await server.start()

        async def look() -> Data:
            order, risk = await api.read(placed.id), (await api.ask(_COUNTED))["risk"]
            return {"amount": order["amount"], "counts": risk["openNotional"]}

        await eventually(look, lambda seen: seen == in_the_end)

        async def look_again() -> Data:
            return {"waiting": await waiting_amendments(database_url)}

        await eventually(look_again, lambda seen: not seen["waiting"])
        assert await look() == in_the_end
        await server.stop()
    books = await read_books(database_url)
    assert differences(books) == []
    assert_log_is_whole(books)
