"""Lists of Bybit come in pages: every order, and every trade of an order, is read with its fee."""

from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from decimal import Decimal

import pytest

from app.domain.fills import Fee
from app.domain.orders.order import OrderStatus
from tests.exchanges.conftest import START
from tests.support.clock import ManualClock
from tests.support.exchanges.at.bybit import BybitRig, trading
from tests.support.exchanges.rigs import a_limit, key_of
from tests.support.exchanges.venue_rigs import trading_at
from tests.support.venues.bybit.venue import Venue
from tests.support.venues.engine.listings import coins
from tests.support.venues.serving import faults
from tests.support.venues.serving.requests import RequestKind

PRICE = Decimal(40_000)


@pytest.fixture
async def desk() -> AsyncIterator[BybitRig]:
    async with trading(ManualClock(START)) as rig:
        yield rig


def fill_piece_by_piece(desk: BybitRig, name: str | int, pieces: int) -> None:
    """Fill an order at one level of the book after the other."""
    for _ in range(pieces):
        desk.venue.fill(name, "0.001")


# Less than a page, more than Bybit's own page, exactly our pages, and more than two of them.
@pytest.mark.parametrize("pieces", [49, 60, 100, 200, 250])
async def test_an_order_that_ate_many_levels_has_all_its_trades_with_their_fees(
    desk: BybitRig, pieces: int
) -> None:
    intent = a_limit(PRICE, amount=Decimal("0.001") * pieces)
    await desk.gateway.submit(intent)
    fill_piece_by_piece(desk, intent.wire_id, pieces)
    report = await desk.gateway.find(key_of(intent))
    assert report is not None
    assert (report.status, report.filled) == (OrderStatus.FILLED, intent.amount)
    assert len({fill.trade_id for fill in report.fills}) == len(report.fills) == pieces
    assert {fill.fee for fill in report.fills} == {Fee(currency="USDT", amount=Decimal("0.04"))}


async def test_open_orders_are_all_listed_whatever_their_number(desk: BybitRig) -> None:
    for _ in range(120):
        desk.venue.place_elsewhere(desk.account, "BTCUSDT", "BUY", "0.001", PRICE)
    reports = await desk.gateway.open_orders()
    assert len({report.exchange_order_id for report in reports}) == len(reports) == 120


async def test_open_orders_of_many_markets_are_all_listed_each_in_its_own() -> None:
    clock = ManualClock(START)
    venue = Venue(clock)
    for listing in coins(70):
        venue.list_market(listing)
    async with trading_at(venue, clock) as desk:
        for listing in coins(70):
            for _ in range(2):
                desk.venue.place_elsewhere(desk.account, listing.symbol, "BUY", "10", "0.9")
        reports = await desk.gateway.open_orders()
        assert Counter(report.symbol for report in reports) == {
            f"{listing.base}/USDT": 2 for listing in coins(70)
        }


async def test_orders_that_closed_unseen_are_all_told_with_their_trades(desk: BybitRig) -> None:
    since = desk.clock.now()
    for number in range(130):
        order = desk.venue.place_elsewhere(desk.account, "BTCUSDT", "BUY", "0.002", PRICE)
        if number % 2:
            desk.venue.fill(order.id, "0.001")
            desk.venue.fill(order.id, "0.001")
        else:
            desk.venue.cancel(order.id)
    asked = desk.venue.journal.count(RequestKind.MY_TRADES)
    reports = await desk.gateway.closed_orders(since, ["BTC/USDT"])
    assert len({report.exchange_order_id for report in reports}) == len(reports) == 130
    filled = [report for report in reports if report.status is OrderStatus.FILLED]
    assert [len(report.fills) for report in filled] == [2] * 65
    assert desk.venue.journal.count(RequestKind.MY_TRADES) == asked + 2


async def test_a_page_that_is_not_answered_leaves_no_half_list_of_trades(desk: BybitRig) -> None:
    intent = a_limit(PRICE, amount=Decimal("0.15"))
    await desk.gateway.submit(intent)
    fill_piece_by_piece(desk, intent.wire_id, 150)
    second_page = faults.Meanwhile(happen=_break(desk), is_handled=True)
    desk.venue.faults.on(RequestKind.MY_TRADES, second_page)
    report = await desk.gateway.find(key_of(intent))
    assert report is not None
    assert (report.status, report.fills) == (OrderStatus.FILLED, ())
    assert desk.gateway.anomalies["trades_unanswered"] == 1
    again = await desk.gateway.find(key_of(intent))
    assert again is not None
    assert len(again.fills) == 150


def _break(desk: BybitRig) -> Callable[[], Awaitable[None]]:
    async def arm() -> None:
        desk.venue.faults.on(RequestKind.MY_TRADES, faults.BAD_GATEWAY)

    return arm


async def test_a_lookup_of_one_order_asks_for_no_further_page(desk: BybitRig) -> None:
    intent = a_limit(PRICE, amount=Decimal("0.1"))
    await desk.gateway.submit(intent)
    desk.venue.fill(intent.wire_id)
    asked = len(desk.venue.journal)
    await desk.gateway.find(key_of(intent))
    assert len(desk.venue.journal) == asked + 2
