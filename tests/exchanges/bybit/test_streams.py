"""What goes wrong on Bybit's sockets, over the genuine ccxt: fills are reported with their fee."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from decimal import Decimal

import pytest

from app.domain.accounts import Connectivity
from app.domain.fills import Fee
from app.domain.orders.order import OrderStatus
from app.domain.orders.reports import FillReport, OrderIntent, OrderReport
from app.domain.orders.terms import AmendableTerms
from app.exchanges.ccxt.streams.account_streams import LAG_SECONDS
from app.exchanges.ccxt.streams.stream_reader import CALM_SECONDS, FIRST_PAUSE_SECONDS
from tests.exchanges.conftest import START
from tests.support.clock import ManualClock
from tests.support.exchanges.bybit import BybitRig, trading
from tests.support.exchanges.rigs import a_limit, heard, key_of
from tests.support.exchanges.venue_rigs import subscribed
from tests.support.venues.engine.accounts import Commission
from tests.support.venues.engine.listings import DEFAULT_LISTINGS
from tests.support.venues.serving.deliveries import Delivery
from tests.support.venues.serving.requests import RequestKind

WATCHDOG_SECONDS = 30.0
PRICE = Decimal(40_000)
FEE = Fee(currency="USDT", amount=Decimal(4))


@pytest.fixture
async def desk() -> AsyncIterator[BybitRig]:
    async with trading(ManualClock(START), watchdog_seconds=WATCHDOG_SECONDS) as rig:
        yield rig
        rig.venue.journal.assert_nothing_was_sent_twice()


async def placed(desk: BybitRig) -> OrderIntent:
    """An open order, after the stream has reported that it was placed."""
    intent, news = a_limit(PRICE, amount=Decimal("0.1")), desk.gateway.news()
    await desk.gateway.submit(intent)
    assert (await heard(news)).wire_id == intent.wire_id
    return intent


async def told(news: AsyncIterator[OrderReport], intent: OrderIntent) -> OrderReport:
    """The first news that bear a trade of this order."""
    while True:
        report = await heard(news)
        if report.wire_id == intent.wire_id and report.fills:
            return report


async def filled_unheard(desk: BybitRig, intent: OrderIntent, seconds: float) -> OrderReport:
    """Fill an order that no stream tells of, and wait for the news by our own clock."""
    news = desk.gateway.news()
    desk.venue.fill(intent.wire_id)
    telling = asyncio.create_task(told(news, intent))
    await desk.clock.advance(seconds)
    async with asyncio.timeout(5):
        return await telling


async def cut(desk: BybitRig) -> None:
    """Cut the sockets, and wait until that was noticed."""
    desk.venue.user_streams.sockets.cut()
    async with asyncio.timeout(5):
        while desk.venue.user_streams.sockets.open:  # noqa: ASYNC110
            await asyncio.sleep(0.001)
        while "the stream of" not in (desk.gateway.connection.detail or ""):  # noqa: ASYNC110
            await asyncio.sleep(0.001)


async def found(desk: BybitRig, intent: OrderIntent) -> OrderReport:
    report = await desk.gateway.find(key_of(intent))
    assert report is not None
    return report


def assert_whole(report: OrderReport) -> None:
    assert (report.status, report.filled) == (OrderStatus.FILLED, Decimal("0.1"))
    assert [(fill.trade_id, fill.fee) for fill in report.fills] == [("5001", FEE)]


async def hears_again(desk: BybitRig) -> None:
    """A stream that tells of an order by itself, without being asked."""
    await subscribed(desk)
    asked = desk.venue.journal.count(RequestKind.OPEN_ORDERS)
    await placed(desk)
    assert desk.venue.journal.count(RequestKind.OPEN_ORDERS) == asked


async def test_what_happened_while_the_socket_was_cut_is_told_with_its_trades(
    desk: BybitRig,
) -> None:
    intent = await placed(desk)
    await cut(desk)
    assert_whole(await filled_unheard(desk, intent, FIRST_PAUSE_SECONDS))
    await hears_again(desk)
    await desk.clock.advance(CALM_SECONDS)
    assert desk.gateway.connection.connectivity is Connectivity.CONNECTED


async def test_with_the_socket_silently_dead_an_update_still_arrives_within_one_watchdog_interval(
    desk: BybitRig,
) -> None:
    intent = await placed(desk)
    desk.venue.user_streams.sockets.fall_silent()
    assert_whole(await filled_unheard(desk, intent, WATCHDOG_SECONDS * 2 / 3))
    # It is opened anew before it has been silent for long: what it did not tell betrayed it.
    await desk.clock.advance(LAG_SECONDS + FIRST_PAUSE_SECONDS)
    await hears_again(desk)


async def test_a_malformed_frame_costs_no_update(desk: BybitRig) -> None:
    intent = await placed(desk)
    asyncio.get_running_loop().set_exception_handler(lambda *_: None)
    desk.venue.user_streams.sockets.say_nonsense()
    assert_whole(await filled_unheard(desk, intent, WATCHDOG_SECONDS))
    await hears_again(desk)


def _repeated(desk: BybitRig) -> None:
    desk.venue.user_streams.delivery = Delivery.TWICE


def _held(desk: BybitRig) -> None:
    desk.venue.user_streams.delivery = Delivery.HELD


@pytest.mark.parametrize("spoil", [_repeated, _held], ids=["duplicated", "reordered"])
async def test_every_trade_is_told_once_or_more_and_always_the_same(
    desk: BybitRig, spoil: Callable[[BybitRig], None]
) -> None:
    intent, news = await placed(desk), desk.gateway.news()
    spoil(desk)
    for amount in ("0.03", "0.03", "0.04"):
        desk.venue.fill(intent.wire_id, amount)
    if desk.venue.user_streams.delivery is Delivery.HELD:
        desk.venue.user_streams.release(lambda events: events[::-1])
    trades: dict[str, FillReport] = {}
    while len(trades) < 3:
        for fill in (await told(news, intent)).fills:
            assert trades.setdefault(fill.trade_id, fill) == fill
    assert sum(fill.amount for fill in trades.values()) == Decimal("0.1")
    report = await desk.gateway.find(key_of(intent))
    assert report is not None
    assert {fill.trade_id: fill for fill in report.fills} == trades


async def test_an_order_of_a_market_that_nobody_knows_deafens_no_stream(desk: BybitRig) -> None:
    news = desk.gateway.news()
    desk.venue.list_market(replace(DEFAULT_LISTINGS[1], base="SOL"))
    elsewhere = desk.venue.place_elsewhere(desk.account, "SOLUSDT", "BUY", "1", 2000)
    report = await heard(news)
    assert report.exchange_order_id == str(elsewhere.id)
    await hears_again(desk)


async def test_an_order_that_cannot_be_asked_for_holds_up_no_other(desk: BybitRig) -> None:
    news = desk.gateway.news()
    desk.venue.list_market(replace(DEFAULT_LISTINGS[1], base="SOL"))
    elsewhere = desk.venue.place_elsewhere(desk.account, "SOLUSDT", "BUY", "1", 2000)
    await heard(news)
    intent = await placed(desk)
    await cut(desk)
    desk.venue.cancel(elsewhere.id)
    assert_whole(await filled_unheard(desk, intent, FIRST_PAUSE_SECONDS))
    assert set(desk.gateway.anomalies) == {"order_unanswered"}


async def test_an_order_that_was_placed_elsewhere_is_listed_with_what_it_is(
    desk: BybitRig,
) -> None:
    order = desk.venue.place_elsewhere(desk.account, "BTCUSDT", "SELL", "0.5", 60_000)
    desk.venue.fill(order.id, "0.2")
    (report,) = await desk.gateway.open_orders()
    assert report.terms is not None
    assert report.details is not None
    assert report.terms.terms == AmendableTerms(
        amount=Decimal("0.5"), price=Decimal(60_000), trigger_price=None
    )
    assert (report.details.symbol, report.details.client_order_id) == (
        "BTC/USDT",
        order.client_order_id,
    )
    assert [fill.amount for fill in report.fills] == [Decimal("0.2")]


COMMISSIONS = [
    (Commission.BASE, "BTC", Decimal("0.0001")),
    (Commission.QUOTE, "USDT", Decimal(4)),
    (Commission.BNB, "BNB", Decimal("0.00666666")),
]


@pytest.mark.parametrize(("commission", "currency", "amount"), COMMISSIONS)
async def test_a_fee_is_the_same_by_stream_and_by_request_whatever_it_is_paid_in(
    desk: BybitRig, commission: Commission, currency: str, amount: Decimal
) -> None:
    desk.account.commission = commission
    desk.venue.deposit(desk.account, "BNB", 5)
    desk.venue.deposit(desk.account, "BTC", 1)
    intent, news = await placed(desk), desk.gateway.news()
    desk.venue.fill(intent.wire_id)
    [streamed] = (await told(news, intent)).fills
    [listed] = (await found(desk, intent)).fills
    assert streamed == listed
    assert listed.fee == Fee(currency=currency, amount=amount)
    [closed] = await desk.gateway.closed_orders(START, ["BTC/USDT"])
    assert closed.fills == (listed,)


async def test_a_rebate_is_a_negative_fee_by_stream_and_by_request(desk: BybitRig) -> None:
    desk.account.maker_fee = Decimal("-0.00005")
    intent, news = await placed(desk), desk.gateway.news()
    desk.venue.fill(intent.wire_id)
    [streamed] = (await told(news, intent)).fills
    [listed] = (await found(desk, intent)).fills
    assert streamed.fee == listed.fee == Fee(currency="USDT", amount=Decimal("-0.2"))


async def test_a_fee_without_a_currency_is_what_bybit_charges_by_default(desk: BybitRig) -> None:
    desk.account.commission = Commission.RECEIVED
    desk.venue.user_streams.names_fees = False
    intent, news = await placed(desk), desk.gateway.news()
    desk.venue.fill(intent.wire_id)
    [streamed] = (await told(news, intent)).fills
    [listed] = (await found(desk, intent)).fills
    assert streamed.fee == listed.fee == Fee(currency="BTC", amount=Decimal("0.0001"))
