"""More readers at once than the database has connections."""

import asyncio

import pytest

from app.storage.database import OWN_READERS, VIEWERS
from tests.api.conftest import Api
from tests.conftest import on_each_database
from tests.support.api.clients import Client
from tests.support.api.trading import place

READERS = 4 * (OWN_READERS + VIEWERS)
HELD = "{ positions { nodes { symbol amount } } }"
WORTH = "{ portfolio { equity } risk { drawdownPercent } positions { nodes { id } } }"


@on_each_database
@pytest.mark.parametrize("document", [HELD, WORTH])
async def test_many_readers_at_once_are_all_answered_and_keep_nobody_out(
    client: Client, document: str
) -> None:
    await place(client, amount="0.01")
    async with asyncio.timeout(60):
        reading = [asyncio.ensure_future(client.ask(document)) for _ in range(READERS)]
        await client.ask("{ viewer { name } orders { totalCount } }")
        await place(client, clientOrderId="meanwhile")
        answers = await asyncio.gather(*reading)
    assert len(answers) == READERS


@on_each_database
async def test_positions_portfolio_and_risk_are_of_one_moment(api: Api, client: Client) -> None:
    await place(client, amount="0.01")
    found = await client.ask(
        "{ positions { asOf } portfolio { asOf account { name } } orders { asOf } }"
    )
    assert found["positions"]["asOf"] == found["portfolio"]["asOf"] == found["orders"]["asOf"]
