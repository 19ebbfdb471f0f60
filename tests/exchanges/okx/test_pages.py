"""Lists that are longer than a page of OKX's, which are read to their end."""

from collections.abc import AsyncIterator
from decimal import Decimal

import pytest

from app.domain import money
from app.domain.fills import Fee
from app.domain.orders.order import OrderStatus
from app.domain.orders.reports import OrderReport
from app.errors import ExchangeDoubt
from tests.exchanges.conftest import START
from tests.support.clock import ManualClock
from tests.support.exchanges.at.okx import OkxRig, trading
from tests.support.exchanges.rigs import SYMBOL, a_limit, an_intent, key_of
from tests.support.venues.serving import faults
from tests.support.venues.serving.requests import RequestKind

# A page of OKX's has 100 rows.
PAGE = 100


@pytest.fixture
async def desk() -> AsyncIterator[OkxRig]:
    async with trading(ManualClock(START)) as rig:
        yield rig


def pages_of(rows: int) -> int:
    """How many requests a list takes: a full page is followed by another."""
    return rows // PAGE + 1


def fees_of(report: OrderReport) -> set[str]:
    return {fill.fee.currency for fill in report.fills if fill.fee is not None}


@pytest.mark.parametrize("trades", [60, 99, 100, 101, 250])
async def test_a_market_order_that_eats_many_levels_has_all_its_trades_with_their_fees(
    desk: OkxRig, trades: int
) -> None:
    desk.venue.matching.trades_per_taker = trades
    intent = an_intent(amount=Decimal("0.5"))
    await desk.gateway.submit(intent)
    asked = desk.venue.journal.count(RequestKind.MY_TRADES)
    report = await desk.gateway.find(key_of(intent))
    assert report is not None
    assert (report.status, report.filled) == (OrderStatus.FILLED, intent.amount)
    assert len({fill.trade_id for fill in report.fills}) == len(report.fills) == trades
    assert money.total(fill.amount for fill in report.fills) == intent.amount
    fees = money.total(fill.fee.amount for fill in report.fills if fill.fee is not None)
    truth = money.total(trade.commission for trade in desk.venue.trades(desk.account))
    assert (fees, fees_of(report)) == (truth, {"USDT"})
    assert desk.venue.journal.count(RequestKind.MY_TRADES) == asked + pages_of(trades)


@pytest.mark.parametrize("count", [100, 250])
async def test_every_open_order_is_listed(desk: OkxRig, count: int) -> None:
    for number in range(count):
        desk.venue.place_elsewhere(desk.account, "BTCUSDT", "BUY", "0.001", 20_000 + number)
    asked = desk.venue.journal.count(RequestKind.OPEN_ORDERS)
    reports = await desk.gateway.open_orders()
    ids = {report.exchange_order_id for report in reports}
    assert ids == {str(order.id) for order in desk.venue.orders(desk.account)}
    assert len(reports) == count
    assert desk.venue.journal.count(RequestKind.OPEN_ORDERS) == asked + pages_of(count)


async def test_every_closed_order_of_a_market_is_listed_with_its_trades(desk: OkxRig) -> None:
    since = desk.clock.now()
    for _ in range(230):
        desk.venue.place_elsewhere(desk.account, "BTCUSDT", "BUY", "0.001")
    for number in range(120):
        order = desk.venue.place_elsewhere(desk.account, "BTCUSDT", "BUY", "0.001", 20_000 + number)
        desk.venue.cancel(order.id)
    reports = await desk.gateway.closed_orders(since, [SYMBOL])
    by_status = {
        status: [report for report in reports if report.status is status]
        for status in (OrderStatus.FILLED, OrderStatus.CANCELED)
    }
    assert {status: len(found) for status, found in by_status.items()} == {
        OrderStatus.FILLED: 230,
        OrderStatus.CANCELED: 120,
    }
    charge = Fee(currency="USDT", amount=Decimal("0.05"))
    assert {
        tuple(fill.fee for fill in report.fills) for report in by_status[OrderStatus.FILLED]
    } == {(charge,)}


async def test_an_order_that_waits_keeps_its_trades_across_pages(desk: OkxRig) -> None:
    intent = a_limit(Decimal(40_000), amount=Decimal("0.3"))
    await desk.gateway.submit(intent)
    for _ in range(150):
        desk.venue.fill(intent.wire_id, "0.001")
    [report] = await desk.gateway.open_orders()
    assert report.status is OrderStatus.PARTIALLY_FILLED
    assert money.total(fill.amount for fill in report.fills) == report.filled == Decimal("0.15")


def _without_numbers(page: dict[str, list[dict[str, str]]]) -> dict[str, object]:
    return {**page, "data": [{**row, "billId": ""} for row in page["data"]]}


async def test_a_full_page_that_does_not_tell_where_the_next_begins_is_not_taken_for_all(
    desk: OkxRig,
) -> None:
    desk.venue.matching.trades_per_taker = PAGE
    intent = an_intent(amount=Decimal("0.5"))
    await desk.gateway.submit(intent)
    desk.venue.faults.on(RequestKind.MY_TRADES, faults.spoiled(_without_numbers))
    report = await desk.gateway.find(key_of(intent))
    assert report is not None
    assert (report.filled, report.fills) == (intent.amount, ())
    assert set(desk.gateway.anomalies) == {"trades_unanswered"}
    again = await desk.gateway.find(key_of(intent))
    assert again is not None
    assert len(again.fills) == PAGE


async def test_a_list_whose_second_page_is_lost_is_not_taken_for_all(desk: OkxRig) -> None:
    for number in range(PAGE + 1):
        desk.venue.place_elsewhere(desk.account, "BTCUSDT", "BUY", "0.001", 20_000 + number)
    answered = faults.meanwhile(lambda: None)
    desk.venue.faults.on(RequestKind.OPEN_ORDERS, answered)
    desk.venue.faults.on(RequestKind.OPEN_ORDERS, faults.BAD_GATEWAY)
    with pytest.raises(ExchangeDoubt):
        await desk.gateway.open_orders()
    assert len(await desk.gateway.open_orders()) == PAGE + 1
