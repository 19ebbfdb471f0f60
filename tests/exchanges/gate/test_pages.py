"""Lists of Gate come in counted pages, open orders market by market, trades by the month."""

from collections import Counter
from collections.abc import AsyncIterator
from datetime import timedelta
from decimal import Decimal

import pytest

from app.domain.fills import Fee
from app.domain.orders.order import OrderStatus
from tests.exchanges.conftest import START
from tests.exchanges.gate.ages import aged
from tests.support.clock import ManualClock
from tests.support.exchanges.at.gate import GateRig, trading
from tests.support.exchanges.rigs import a_limit, key_of
from tests.support.venues.serving.requests import RequestKind

PRICE = Decimal(40_000)


@pytest.fixture
async def desk() -> AsyncIterator[GateRig]:
    async with trading(ManualClock(START)) as rig:
        yield rig


def place_many(desk: GateRig, count: int, symbol: str = "BTCUSDT") -> list[int]:
    price, amount = ("40000", "0.001") if symbol == "BTCUSDT" else ("2000", "0.01")
    placed = (
        desk.venue.place_elsewhere(desk.account, symbol, "BUY", amount, price) for _ in range(count)
    )
    return [order.id for order in placed]


@pytest.mark.parametrize(("bitcoin", "ether"), [(99, 99), (100, 100), (250, 120), (1, 0), (0, 0)])
async def test_open_orders_are_listed_to_the_end_in_each_market(
    desk: GateRig, bitcoin: int, ether: int
) -> None:
    place_many(desk, bitcoin)
    place_many(desk, ether, "ETHUSDT")
    reports = await desk.gateway.open_orders()
    assert len({report.exchange_order_id for report in reports}) == len(reports)
    counts = Counter(report.symbol for report in reports)
    assert (counts["BTC/USDT"], counts["ETH/USDT"]) == (bitcoin, ether)


@pytest.mark.parametrize("count", [99, 100, 250])
async def test_closed_orders_are_listed_to_the_end_of_all_markets_at_once(
    desk: GateRig, count: int
) -> None:
    for name in (*place_many(desk, count), *place_many(desk, 20, "ETHUSDT")):
        desk.venue.cancel(name)
    asked = desk.venue.journal.count(RequestKind.CLOSED_ORDERS)
    reports = await desk.gateway.closed_orders(START, ["BTC/USDT", "ETH/USDT"])
    assert len({report.exchange_order_id for report in reports}) == count + 20
    assert desk.venue.journal.count(RequestKind.CLOSED_ORDERS) - asked == (count + 20) // 100 + 1


async def test_an_order_that_was_placed_before_and_closed_since_is_listed(desk: GateRig) -> None:
    [early] = place_many(desk, 1)
    aged(desk, early, days=3)
    desk.venue.fill(early)
    since = START - timedelta(days=1)
    [report] = await desk.gateway.closed_orders(since, ["BTC/USDT"])
    assert (report.exchange_order_id, len(report.fills)) == (str(early), 1)


@pytest.mark.parametrize("pieces", [99, 101, 1000, 1100])
async def test_an_order_has_all_its_trades_with_their_fees(desk: GateRig, pieces: int) -> None:
    intent = a_limit(PRICE, amount=Decimal("0.001") * pieces)
    await desk.gateway.submit(intent)
    for _ in range(pieces):
        desk.venue.fill(intent.wire_id, "0.001")
    report = await desk.gateway.find(key_of(intent))
    assert report is not None
    assert len({fill.trade_id for fill in report.fills}) == pieces
    assert {fill.fee for fill in report.fills} == {Fee(currency="USDT", amount=Decimal("0.04"))}


@pytest.mark.parametrize("days", [1, 8, 31, 100])
async def test_trades_are_found_however_long_an_order_waited(desk: GateRig, days: int) -> None:
    intent = a_limit(PRICE, amount=Decimal("0.02"))
    await desk.gateway.submit(intent)
    desk.venue.fill(intent.wire_id, "0.01")
    aged(desk, intent.wire_id, days=days)
    desk.venue.fill(intent.wire_id, "0.01")
    aged(desk, intent.wire_id, days=days)
    placed = await desk.gateway.find(key_of(intent, str(desk.venue.order(intent.wire_id).id)))
    assert placed is not None
    assert (placed.status, len(placed.fills)) == (OrderStatus.FILLED, 2)
