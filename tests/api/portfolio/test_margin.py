"""Positions with borrowed money on a paper account, as a client trades and loses them."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from decimal import Decimal
from pathlib import Path

import pytest

from app.domain import money
from app.runtime import Parts
from tests.api.conftest import Api, running, settings_of
from tests.api.portfolio.test_positions import NODE, UPDATES, close, positions
from tests.support.api.clients import PATIENCE_SECONDS, Client, Data
from tests.support.api.trading import place, price_of, refusal
from tests.support.clock import ManualClock
from tests.support.venues.binance.running import running_venue
from tests.support.venues.binance.venue import Venue

PORTFOLIO = "{ portfolio { equity unrealizedPnl realizedPnl balances { asset free used } } }"
ORDERS = """query ($filter: OrderFilter) { orders(filter: $filter) { nodes {
  clientOrderId side type status source positionType leverage reduceOnly filled averagePrice
  fees { amount } refusal { message } fills { nodes { price amount } }
} } }"""
SHORT: Mapping[str, str] = {
    "symbol": "BTC/USDT",
    "side": "SELL",
    "type": "MARKET",
    "amount": "0.03",
    "positionType": "MARGIN",
    "leverage": "3",
}
# In whose world bitcoin costs an eighth more than in the first one's.
_HIGHER = "4"


async def portfolio(client: Client) -> Data:
    told: Data = (await client.ask(PORTFOLIO))["portfolio"]
    return told


async def money_of(client: Client) -> Data:
    found = (await portfolio(client))["balances"]
    return next(one for one in found if one["asset"] == "USDT")


async def orders(client: Client, **wanted: object) -> list[Data]:
    found: list[Data] = (await client.ask(ORDERS, filter=wanted))["orders"]["nodes"]
    return found


def adds_up(told: Data) -> bool:
    """Whether what there is is what there was, and what came of it."""
    gained = Decimal(told["realizedPnl"]) + Decimal(told["unrealizedPnl"])
    return Decimal(told["equity"]) == 10_000 + gained


async def test_a_short_is_opened_seen_and_closed_in_part_and_whole(client: Client) -> None:
    coin = await place(client, amount="0.01")
    before = Decimal((await money_of(client))["free"])
    opened = await place(client, SHORT)
    assert (opened["positionType"], opened["leverage"], opened["status"]) == (
        "MARGIN", "3", "FILLED",
    )  # fmt: skip
    told = await positions(client, type="MARGIN")
    [short] = told["nodes"]
    assert told["problems"] == []
    cost = Decimal("0.03") * Decimal(opened["averagePrice"])
    margin = money.divide(cost, Decimal(3))
    assert (short["side"], short["amount"], short["leverage"]) == ("SHORT", "0.03", "3")
    assert Decimal(short["margin"]) == margin == Decimal((await money_of(client))["used"])
    free = before - margin - cost * Decimal("0.001")
    assert Decimal((await money_of(client))["free"]) == free
    mark = await price_of(client)
    assert Decimal(short["unrealizedPnl"]) == cost - Decimal("0.03") * mark
    assert Decimal(short["liquidationPrice"]) > mark
    assert adds_up(await portfolio(client))
    part = await close(client, id=short["id"], amount="0.01")
    assert part["order"]["side"] == "BUY"
    [half] = (await positions(client, type="MARGIN"))["nodes"]
    assert (half["id"], half["amount"]) == (short["id"], "0.02")
    await close(client, id=short["id"])
    assert (await positions(client, type="MARGIN"))["nodes"] == []
    assert adds_up(await portfolio(client))
    assert (await money_of(client))["used"] == "0"
    closed = (await client.ask(NODE, id=short["id"]))["node"]
    assert (closed["amount"], closed["orders"]["totalCount"]) == ("0", 3)
    # The coins of the same market were never touched.
    [spot] = (await positions(client))["nodes"]
    assert (spot["type"], spot["amount"]) == ("SPOT", coin["filled"])


async def test_orders_that_reduce_take_no_more_than_the_position(client: Client) -> None:
    await place(client, SHORT)
    reducing = {**SHORT, "side": "BUY", "type": "LIMIT", "price": "1000", "reduceOnly": True}
    await place(client, reducing, amount="0.02", leverage=None)
    why = await refusal(client, reducing, amount="0.02", leverage=None)
    assert (why["code"], why["field"]) == ("INVALID_INPUT", ["input", "amount"])
    why = await refusal(client, SHORT, leverage="2")
    assert (why["code"], why["field"]) == ("INVALID_INPUT", ["input", "leverage"])
    assert "position is 3:" in why["message"]


async def test_what_fell_due_while_nothing_ran_is_found_closed_at_the_next_start(
    sqlite_url: str, tmp_path: Path, clock: ManualClock
) -> None:
    async with running(settings_of(sqlite_url, tmp_path), Parts(clock=clock)) as api:
        await place(api.client(), SHORT, amount="0.9", leverage="5")
        before = (await positions(api.client()))["nodes"]
    # The world of another seed, in which the price stands some percent higher.
    another = settings_of(sqlite_url, tmp_path, accounts__paper__paper__seed=_HIGHER)
    await clock.advance(1)
    for _ in range(2):
        async with running(another, Parts(clock=clock)) as api:
            assert (await positions(api.client()))["nodes"] == []
            [closing] = await orders(api.client(), sources=["EXTERNAL"])
            assert adds_up(await portfolio(api.client()))
    assert (closing["status"], closing["filled"]) == ("FILLED", before[0]["amount"])
    assert closing["clientOrderId"] == "LIQUIDATED-2"


@pytest.fixture
async def venue(clock: ManualClock) -> AsyncIterator[Venue]:
    async with running_venue(clock) as venue:
        yield venue


@pytest.fixture
async def followed(
    venue: Venue, sqlite_url: str, tmp_path: Path, clock: ManualClock
) -> AsyncIterator[Api]:
    """An account on paper at prices that a test sets."""
    told = venue.ccxt_settings(venue.open_account("nobody"))
    told = {name: value for name, value in told.items() if name not in {"apiKey", "secret"}}
    terms = {"EXCHANGE": "binance", "MODE": "paper", "CCXT": json.dumps(told)}
    environ = {f"accounts__paper__{name}": value for name, value in terms.items()}
    settings = settings_of(sqlite_url, tmp_path, **environ)
    settings.accounts["paper"].ccxt.update(milliseconds=venue.now, rateLimit=0)
    async with running(settings, Parts(clock=clock)) as api:
        yield api


async def test_a_liquidation_is_told_to_whoever_watches(
    followed: Api, venue: Venue, clock: ManualClock
) -> None:
    client = followed.client()
    async with asyncio.timeout(PATIENCE_SECONDS), followed.socket() as socket:
        await _until_in_step(client, clock)
        await socket.init(followed.token)
        opened = await place(client, SHORT, side="BUY", amount="0.8", leverage="5")
        waiting = await place(client, SHORT, type="LIMIT", price="90000", leverage=None)
        await socket.subscribe("1", UPDATES, filter={"type": "MARGIN"})
        [told] = (await socket.hear_data("1"))["positionUpdates"]["nodes"]
        assert Decimal(told["entryPrice"]) == Decimal(opened["averagePrice"])
        venue.move("BTCUSDT", 42_000)
        while told:
            hearing = asyncio.ensure_future(socket.hear_data("1"))
            while not hearing.done():
                await clock.advance(1)
                await asyncio.wait([hearing], timeout=0.001)
            told = hearing.result()["positionUpdates"]["nodes"]
        while not (external := await orders(client, sources=["EXTERNAL"])):
            await clock.advance(1)
    [closing] = external
    assert (closing["side"], closing["status"], closing["filled"]) == ("SELL", "FILLED", "0.8")
    assert (closing["positionType"], closing["leverage"]) == ("MARGIN", "5")
    assert closing["clientOrderId"].startswith("LIQUIDATED-")
    assert closing["fills"]["nodes"]
    [ended] = await orders(client, clientOrderIds=[waiting["clientOrderId"]])
    assert ended["status"] == "EXPIRED"
    assert ended["refusal"]["message"].startswith("LIQUIDATED: ")
    assert adds_up(await portfolio(client))
    assert (await positions(client))["nodes"] == []


async def _until_in_step(client: Client, clock: ManualClock) -> None:
    asked = "{ accounts { lastReconciledAt } }"
    while (await client.ask(asked))["accounts"][0]["lastReconciledAt"] is None:
        await clock.advance(0.25)
