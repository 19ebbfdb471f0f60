"""What goes wrong on each exchange's sockets, over the genuine ccxt: every fill is reported."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from decimal import Decimal

import pytest

from app.domain.accounts import Connectivity
from app.domain.fills import Fee
from app.domain.orders.order import OrderStatus
from app.domain.orders.reports import FillReport, OrderReport
from app.domain.orders.terms import AmendableTerms
from app.exchanges.ccxt.streams.account_streams import LAG_SECONDS
from app.exchanges.ccxt.streams.stream_reader import CALM_SECONDS, FIRST_PAUSE_SECONDS
from app.exchanges.ccxt.streams.unheard_orders import UNHEARD_SECONDS
from tests.exchanges.conftest import START
from tests.support.clock import ManualClock
from tests.support.exchanges.desks import (
    AMOUNT,
    WATCHDOG_SECONDS,
    Desk,
    cut,
    filled_unheard,
    filling,
    found,
    hears_again,
    placed,
    placed_and_heard,
    while_time_passes,
)
from tests.support.exchanges.rigs import heard
from tests.support.exchanges.venue_rigs import trading_at
from tests.support.venues.engine.accounts import Commission
from tests.support.venues.engine.listings import DEFAULT_LISTINGS
from tests.support.venues.engine.orders import Order
from tests.support.venues.every_venue import VENUES
from tests.support.venues.serving import faults
from tests.support.venues.serving.deliveries import Delivery
from tests.support.venues.serving.requests import RequestKind

FEE = Fee(currency="USDT", amount=Decimal(4))


@pytest.fixture(params=VENUES)
def exchange(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
async def desk(exchange: str) -> AsyncIterator[Desk]:
    clock = ManualClock(START)
    venue = VENUES[exchange](clock)
    async with trading_at(venue, clock, watchdog_seconds=WATCHDOG_SECONDS) as rig:
        yield rig
        rig.venue.journal.assert_nothing_was_sent_twice()


def assert_whole(desk: Desk, report: OrderReport) -> None:
    assert (report.status, report.filled) == (OrderStatus.FILLED, AMOUNT)
    assert_traded(desk, report)


def assert_traded(desk: Desk, report: OrderReport) -> None:
    [trade] = desk.venue.trades(desk.account)
    [fill] = report.fills
    assert (fill.trade_id, fill.fee) == (desk.venue.trade_id(trade), FEE)


async def test_what_happened_while_the_socket_was_cut_is_reported_with_its_trades(
    desk: Desk,
) -> None:
    intent = await placed_and_heard(desk)
    await cut(desk)
    assert_whole(desk, await filled_unheard(desk, intent, FIRST_PAUSE_SECONDS))
    await hears_again(desk)
    await desk.clock.advance(CALM_SECONDS)
    assert desk.gateway.connection.connectivity is Connectivity.CONNECTED


async def test_with_the_socket_silently_dead_an_update_still_arrives_within_one_watchdog_interval(
    desk: Desk,
) -> None:
    intent = await placed_and_heard(desk)
    desk.venue.user_streams.sockets.fall_silent()
    assert_whole(desk, await filled_unheard(desk, intent, WATCHDOG_SECONDS * 2 / 3))
    # It is opened anew before it has been silent for long, because it did not report the fill.
    await desk.clock.advance(LAG_SECONDS + FIRST_PAUSE_SECONDS)
    await hears_again(desk)


async def test_reports_that_are_lost_are_found_by_asking(desk: Desk) -> None:
    intent = await placed_and_heard(desk)
    desk.venue.user_streams.delivery = Delivery.NEVER
    assert_whole(desk, await filled_unheard(desk, intent, WATCHDOG_SECONDS * 2 / 3))


async def test_what_fills_before_the_stream_is_subscribed_is_looked_up_soon(
    exchange: str,
) -> None:
    clock = ManualClock(START)
    venue = VENUES[exchange](clock)
    venue.user_streams.delivery = Delivery.NEVER
    async with trading_at(venue, clock, watchdog_seconds=WATCHDOG_SECONDS) as desk:
        news = desk.gateway.news()
        intent = await placed(desk)
        venue.fill(intent.wire_id)
        venue.user_streams.delivery = Delivery.ONCE
        await clock.advance(UNHEARD_SECONDS)
        assert_whole(desk, await filling(news, intent))


@pytest.mark.parametrize("is_first", [True, False])
async def test_an_order_that_the_stream_reports_is_not_looked_up(
    desk: Desk, *, is_first: bool
) -> None:
    if is_first:
        late = faults.delay(desk.clock, 1).after_acceptance()
        desk.venue.faults.on(RequestKind.CREATE_ORDER, late)
        news = desk.gateway.news()
        placing = asyncio.create_task(placed(desk))
        await heard(news)
        await desk.clock.advance(1)
        intent = await placing
    else:
        intent = await placed_and_heard(desk)
    asked = len(desk.venue.journal)
    await desk.clock.advance(2 * UNHEARD_SECONDS)
    assert len(desk.venue.journal) == asked
    assert (await found(desk, intent)).status is OrderStatus.OPEN


async def test_a_malformed_frame_costs_no_update(desk: Desk) -> None:
    intent = await placed_and_heard(desk)
    asyncio.get_running_loop().set_exception_handler(lambda *_: None)
    desk.venue.user_streams.sockets.say_nonsense()
    assert_whole(desk, await filled_unheard(desk, intent, WATCHDOG_SECONDS))
    await hears_again(desk)


@pytest.mark.parametrize("delivery", [Delivery.TWICE, Delivery.HELD])
@pytest.mark.parametrize("commission", [Commission.QUOTE, Commission.BASE, Commission.BNB])
async def test_every_trade_is_reported_as_requests_tell_it_with_the_same_fee(
    desk: Desk, delivery: Delivery, commission: Commission
) -> None:
    desk.account.commission = commission
    desk.venue.deposit(desk.account, "BNB", 5)
    intent, news = await placed_and_heard(desk), desk.gateway.news()
    desk.venue.user_streams.delivery = delivery
    for amount in ("0.03", "0.03", "0.04"):
        desk.venue.fill(intent.wire_id, amount)
    if delivery is Delivery.HELD:
        desk.venue.user_streams.release(lambda events: events[::-1])
    trades: dict[str, FillReport] = {}
    while len(trades) < 3:
        for fill in (await filling(news, intent)).fills:
            assert trades.setdefault(fill.trade_id, fill) == fill
    assert sum(fill.amount for fill in trades.values()) == AMOUNT
    report = await found(desk, intent)
    assert {fill.trade_id: fill for fill in report.fills} == trades
    assert all(fill.fee is not None for fill in report.fills)
    [closed] = await desk.gateway.closed_orders(START, [intent.symbol])
    assert sorted(closed.fills, key=_trade_id) == sorted(report.fills, key=_trade_id)


def _trade_id(fill: FillReport) -> str:
    return fill.trade_id


async def elsewhere_in_a_new_market(desk: Desk) -> Order:
    """An order in a market that was listed a moment ago, once it has been reported."""
    news = desk.gateway.news()
    desk.venue.list_market(replace(DEFAULT_LISTINGS[1], base="SOL"))
    elsewhere: Order = desk.venue.place_elsewhere(desk.account, "SOLUSDT", "BUY", "1", 2000)
    report = await while_time_passes(desk, heard(news))
    assert report.exchange_order_id == desk.venue.order_id(elsewhere)
    return elsewhere


async def test_an_order_of_a_market_that_is_not_known_yet_deafens_no_stream(desk: Desk) -> None:
    intent = await placed_and_heard(desk)
    [socket] = desk.venue.user_streams.sockets.open
    await elsewhere_in_a_new_market(desk)
    news = desk.gateway.news()
    desk.venue.fill(intent.wire_id)
    assert_traded(desk, await filling(news, intent))
    assert desk.venue.user_streams.sockets.open == [socket]


async def test_an_order_that_cannot_be_asked_for_holds_up_no_other(desk: Desk) -> None:
    elsewhere = await elsewhere_in_a_new_market(desk)
    intent = await placed_and_heard(desk)
    await cut(desk)
    desk.venue.cancel(elsewhere.id)
    news = desk.gateway.news()
    desk.venue.fill(intent.wire_id)
    assert_whole(desk, await while_time_passes(desk, filling(news, intent)))


async def test_an_order_that_was_placed_elsewhere_is_listed_with_what_it_is(desk: Desk) -> None:
    order = desk.venue.place_elsewhere(desk.account, "BTCUSDT", "SELL", "0.5", 60_000)
    desk.venue.fill(order.id, "0.2")
    (report,) = await desk.gateway.open_orders()
    assert report.terms is not None
    assert report.details is not None
    assert report.terms.terms == AmendableTerms(
        amount=Decimal("0.5"), price=Decimal(60_000), trigger_price=None
    )
    assert report.details.symbol == "BTC/USDT"
    name = order.client_order_id if desk.venue.names_others else None
    assert report.details.client_order_id == name
    assert [fill.amount for fill in report.fills] == [Decimal("0.2")]


async def test_orders_that_closed_unseen_are_reported_with_their_trades_and_fees(
    desk: Desk,
) -> None:
    since = desk.clock.now()
    elsewhere = [
        desk.venue.place_elsewhere(desk.account, "BTCUSDT", side, "0.1", price)
        for side, price in (("BUY", None), ("SELL", 60_000), ("SELL", None))
    ]
    desk.venue.cancel(elsewhere[1].id)
    listed = await desk.gateway.closed_orders(since, ["BTC/USDT"])
    reports = {report.exchange_order_id: report for report in listed}
    bought, canceled, sold = (reports[desk.venue.order_id(order)] for order in elsewhere)
    assert (bought.status, canceled.status, sold.status) == (
        OrderStatus.FILLED,
        OrderStatus.CANCELED,
        OrderStatus.FILLED,
    )
    assert [fill.fee for fill in bought.fills] == [Fee(currency="USDT", amount=Decimal(5))]
    assert (len(canceled.fills), len(sold.fills)) == (0, 1)
