"""The dead man's switch is stored: a crash of the server does not disarm it."""

import asyncio
import time

import pytest

from tests.conftest import on_each_database
from tests.support.processes.clients import api_client
from tests.system.conftest import MakeServer

pytestmark = pytest.mark.slow

SECONDS = 2
RESTING = {"symbol": "BTC/USDT", "side": "BUY", "type": "LIMIT", "amount": "0.01", "price": "20000"}
ARM = """mutation ($seconds: Int!) { armDeadManSwitch(timeoutSeconds: $seconds) {
  ... on RiskSuccess { risk { deadManSwitch { armed } } } ... on Refusal { message }
} }"""
FIRST = """query ($id: ID!) {
  risk { tradingState stateReason deadManSwitch { armed } }
  order(id: $id) { status }
}"""


@on_each_database
async def test_what_was_due_while_the_server_was_dead_is_done_before_the_first_request(
    make_server: MakeServer, database_url: str
) -> None:
    server = make_server(database_url)
    await server.start()
    async with api_client(server) as api:
        placed = await api.place(**RESTING)
        await api.ask(ARM, seconds=SECONDS)
        armed_at = time.monotonic()
        await server.kill()
        # It is the time of the world that passes while a process is dead.
        await asyncio.sleep(SECONDS - (time.monotonic() - armed_at))
        await server.start()
        told = await api.ask(FIRST, id=placed.id)
        assert told["order"]["status"] == "CANCELED"
        assert told["risk"]["tradingState"] == "HALTED"
        assert "dead-man" in told["risk"]["stateReason"]
        assert not told["risk"]["deadManSwitch"]["armed"]
        assert (await api.place(**RESTING)).refusal == "TRADING_HALTED"
