"""The kill switch at a real exchange that answers badly."""

import asyncio
import random
from dataclasses import dataclass
from decimal import Decimal

import pytest

from tests.api.real.real_trading import Trading
from tests.support.api.clients import Data
from tests.support.api.trading import WAITING, place
from tests.support.venues.binance.api.faults import too_many
from tests.support.venues.serving.faults import Fault, Outcome, Proceed
from tests.support.venues.serving.requests import RequestKind

PATIENCE_SECONDS = 100
DEPOSITED = Decimal(2)
HALT = """mutation { haltTrading(reason: "a test", closePositions: true) {
  isDone canceled { id } closing { id } failed { message }
} }"""
PROGRESS = """{ risk(account: "main") {
  openOrders halt { endedAt canceled closed failures { message } }
} }"""


@dataclass
class HalfOfAll:
    """Happens to half of the requests."""

    fault: Fault
    chance: random.Random
    count: int = 0

    async def act(self, proceed: Proceed) -> Outcome:
        if self.chance.random() < 0.5:
            self.count += 1
            return self.fault.outcome
        return await proceed()


@pytest.mark.slow
async def test_though_half_of_the_requests_are_too_many_all_is_canceled_and_closed(
    trading: Trading,
) -> None:
    client, venue = trading.client, trading.venue
    await place(client, clientOrderId="bought", amount="0.5")
    for number in range(6):
        waiting = {**WAITING, "price": "40000"}
        await place(client, waiting, clientOrderId=f"n-{number}", account="main")
    too_often = HalfOfAll(too_many(retry_after=1), random.Random(1))
    for kind in RequestKind:
        venue.faults.on(kind, too_often, times=None)
    halting = asyncio.create_task(client.ask(HALT))

    async def progress() -> Data:
        seen: Data = (await client.ask(PROGRESS))["risk"]
        return seen

    def is_over(seen: Data) -> bool:
        return seen["halt"] is not None and seen["halt"]["endedAt"] is not None

    async with asyncio.timeout(PATIENCE_SECONDS):
        while not is_over(seen := await progress()):
            await trading.clock.advance(0.25)
    await halting
    assert too_often.count > 10
    assert seen["openOrders"] == 0
    assert (seen["halt"]["canceled"], seen["halt"]["closed"]) == (6, 1)
    assert seen["halt"]["failures"] == []
    assert [order for order in venue.orders(trading.account) if order.status.is_open] == []
    held = trading.account.balance("BTC")
    assert DEPOSITED <= held.free + held.locked < DEPOSITED + Decimal("0.001")
    venue.journal.assert_nothing_was_sent_twice()
