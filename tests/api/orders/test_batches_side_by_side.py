"""Batches at an exchange that answers after a second: side by side, each market in order."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from app.exchanges.paper.faults import Faults
from app.runtime import Parts
from app.services.orders.service import ORDERS_AT_ONCE
from tests.api.conftest import hasty, never_late, running, settings_of
from tests.conftest import START, on_each_database
from tests.support.api.clients import Client, Data
from tests.support.clock import ManualClock

ACCOUNTS = [f"a{number:02}" for number in range(20)]
SYMBOLS = ["BTC/USDT", "ETH/USDT", "SOL/USDT"]
MARKETS = [(account, symbol) for account in ACCOUNTS for symbol in SYMBOLS]
COUNTS = """{
  sending: orders(filter: {statuses: [SUBMITTING]}) { totalCount nodes { account { name } symbol } }
  placed: orders(filter: {statuses: [OPEN]}) { totalCount }
}"""
PLACE = """mutation ($inputs: [PlaceOrderInput!]!) { placeOrders(inputs: $inputs) {
  ... on PlaceOrderSuccess { order { id account { name } symbol status createdAt } }
  ... on Refusal { code }
} }"""
# A time that nothing else sleeps for.
ANSWER_SECONDS = 1.03
PATIENCE_SECONDS = 60


class AnswerClock(ManualClock):
    """Knows how many orders wait for their answer."""

    waiting = 0

    async def sleep(self, seconds: float) -> None:
        self.waiting += seconds == ANSWER_SECONDS
        try:
            await super().sleep(seconds)
        finally:
            self.waiting -= seconds == ANSWER_SECONDS


@pytest.fixture
def clock() -> AnswerClock:
    return AnswerClock(START)


@pytest.fixture
async def client(
    database_url: str, tmp_path: Path, clock: AnswerClock, faults: Faults
) -> AsyncIterator[Client]:
    """A client of a server with sixty markets: three in each of twenty accounts."""
    faults.delay_after_seconds = ANSWER_SECONDS
    settings = settings_of(
        database_url, tmp_path, **{f"accounts__{name}__exchange": "paper" for name in ACCOUNTS}
    )
    parts = Parts(
        clock=clock,
        login_throttle=hasty(),
        faults=dict.fromkeys(ACCOUNTS, faults),
        seconds=never_late,
    )
    async with running(settings, parts) as api:
        yield api.client()


def waiting(account: str, symbol: str, **changes: Any) -> dict[str, Any]:
    terms = {"side": "BUY", "type": "LIMIT", "amount": "20", "price": "1"}
    return {"account": account, "symbol": symbol, **terms, **changes}


def placing(client: Client, inputs: list[dict[str, Any]]) -> "asyncio.Task[list[Data]]":
    async def place() -> list[Data]:
        placed: list[Data] = (await client.ask(PLACE, inputs=inputs))["placeOrders"]
        return placed

    return asyncio.create_task(place())


def market_of(order: Data) -> tuple[str, str]:
    return order["account"]["name"], order["symbol"]


async def until_sending(client: Client, clock: AnswerClock, sending: int, placed: int) -> Data:
    """Wait until so many orders wait for the exchange, and so many have been answered."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            found = await client.ask(COUNTS)
            counts = [found[name]["totalCount"] for name in ("sending", "placed")]
            assert counts[0] <= ORDERS_AT_ONCE
            if counts == [sending, placed] and clock.waiting == sending:
                return found
            await asyncio.sleep(0.02)


@on_each_database
async def test_sixty_orders_in_sixty_markets_take_as_long_as_four_answers(
    client: Client, clock: AnswerClock
) -> None:
    batch = placing(client, [waiting(*market) for market in MARKETS])
    for round_, sending in enumerate((16, 16, 16, 12)):
        await until_sending(client, clock, sending, 16 * round_)
        await clock.advance(ANSWER_SECONDS)
    async with asyncio.timeout(PATIENCE_SECONDS):
        answers = await batch
    placed = [answer["order"] for answer in answers]
    assert [market_of(order) for order in placed] == MARKETS
    assert {order["status"] for order in placed} == {"OPEN"}
    log = await client.ask("{ auditLog(first: 100) { nodes { action subject } } }")
    subjects = [entry["subject"] for entry in log["auditLog"]["nodes"]]
    assert sorted(subjects) == sorted(order["id"] for order in placed)


@on_each_database
async def test_orders_in_one_market_go_out_in_the_order_given(
    client: Client, clock: AnswerClock
) -> None:
    markets = [("a00", "ETH/USDT"), ("a01", "ETH/USDT"), ("a00", "BTC/USDT")]
    inputs = [
        waiting(account, symbol, clientOrderId=f"{account}-{number}-{symbol[:3]}")
        for number in range(4)
        for account, symbol in markets
    ]
    # One that is refused holds up nobody.
    inputs[1]["amount"] = "0"
    batch = placing(client, inputs)
    for placed, sending in ((0, 3), (3, 3), (6, 3), (9, 2)):
        found = await until_sending(client, clock, sending, placed)
        assert len({market_of(order) for order in found["sending"]["nodes"]}) == sending
        await clock.advance(ANSWER_SECONDS)
    async with asyncio.timeout(PATIENCE_SECONDS):
        answers = await batch
    assert answers[1]["code"] == "INVALID_INPUT"
    orders = [answer["order"] for answer in answers if "order" in answer]
    for market in markets:
        times = [order["createdAt"] for order in orders if market_of(order) == market]
        assert times == sorted(set(times))


@on_each_database
async def test_one_id_in_two_markets_goes_to_the_first_of_them(
    client: Client, clock: AnswerClock
) -> None:
    batch = placing(
        client,
        [
            waiting("a00", "ETH/USDT"),
            waiting("a00", "ETH/USDT", clientOrderId="twin"),
            waiting("a00", "BTC/USDT", clientOrderId="twin"),
        ],
    )
    for placed in (0, 1):
        await until_sending(client, clock, 1, placed)
        await clock.advance(ANSWER_SECONDS)
    async with asyncio.timeout(PATIENCE_SECONDS):
        _, first, second = await batch
    assert first["order"]["symbol"] == "ETH/USDT"
    assert second["code"] == "IDEMPOTENCY_CONFLICT"
