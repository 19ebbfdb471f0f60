"""Orders of others that opened and closed unseen, as Binance lists them."""

from collections.abc import AsyncIterator
from dataclasses import replace
from decimal import Decimal

import pytest

from app.domain.orders.order import OrderStatus
from app.exchanges.ccxt.parsing.page_styles import TimedPages
from tests.exchanges.conftest import START
from tests.support.clock import ManualClock
from tests.support.exchanges.at.binance import BinanceRig, trading
from tests.support.venues.engine.orders import Status
from tests.support.venues.engine.tape import Quote

PAGE = 10
PAGES = TimedPages(limit=PAGE, start="startTime")
SMALL = Quote(bid=Decimal(49_999), ask=Decimal(50_000), ask_amount=Decimal("0.03"))


@pytest.fixture
async def desk() -> AsyncIterator[BinanceRig]:
    async with trading(ManualClock(START)) as rig:
        yield rig


async def test_one_that_expired_with_a_part_is_listed_with_its_trades(desk: BinanceRig) -> None:
    desk.venue.quote("BTCUSDT", SMALL, last=SMALL.ask)
    held = desk.venue.place_elsewhere(desk.account, "BTCUSDT", "BUY", "0.1")
    assert held.status is Status.EXPIRED
    [report] = await desk.gateway.closed_orders(START, ["BTC/USDT"])
    assert (report.exchange_order_id, report.status) == (str(held.id), OrderStatus.EXPIRED)
    assert [fill.amount for fill in report.fills] == [Decimal("0.03")]
    assert report.details is not None


async def test_one_that_still_waits_is_not_among_them(desk: BinanceRig) -> None:
    desk.venue.place_elsewhere(desk.account, "BTCUSDT", "BUY", "0.1", "40000")
    assert await desk.gateway.closed_orders(START, ["BTC/USDT"]) == []


async def test_all_are_listed_however_many_pages_they_fill(desk: BinanceRig) -> None:
    session = desk.gateway._session
    session.quirks = replace(
        session.quirks, closed_order_pages=TimedPages(limit=PAGE, start="startTime")
    )
    held = []
    for _ in range(5):
        held += [
            desk.venue.place_elsewhere(desk.account, "BTCUSDT", "BUY", "0.01") for _ in range(5)
        ]
        await desk.clock.advance(1)
    reports = await desk.gateway.closed_orders(START, ["BTC/USDT"])
    assert [report.exchange_order_id for report in reports] == [str(one.id) for one in held]


async def test_more_at_one_instant_than_a_page_holds_end_the_list(desk: BinanceRig) -> None:
    session = desk.gateway._session
    session.quirks = replace(
        session.quirks, closed_order_pages=TimedPages(limit=PAGE, start="startTime")
    )
    for _ in range(PAGE + 1):
        desk.venue.place_elsewhere(desk.account, "BTCUSDT", "BUY", "0.01")
    assert len(await desk.gateway.closed_orders(START, ["BTC/USDT"])) == PAGE
