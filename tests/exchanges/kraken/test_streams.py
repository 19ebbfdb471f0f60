"""What goes wrong on Kraken's sockets, over the genuine ccxt: every fill is reported exactly."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from decimal import Decimal

import pytest

from app.domain.accounts import Connectivity
from app.domain.fills import Fee
from app.domain.orders.order import OrderStatus
from app.domain.orders.reports import FillReport, OrderIntent, OrderReport
from app.exchanges.ccxt.streams.account_streams import LAG_SECONDS
from app.exchanges.ccxt.streams.stream_reader import CALM_SECONDS, FIRST_PAUSE_SECONDS
from tests.exchanges.conftest import START
from tests.exchanges.kraken.conftest import WATCHDOG_SECONDS
from tests.support.clock import ManualClock
from tests.support.exchanges.kraken import KrakenRig
from tests.support.exchanges.rigs import a_limit, heard, key_of
from tests.support.exchanges.venue_rigs import subscribed, trading_at
from tests.support.venues.engine.accounts import Commission
from tests.support.venues.engine.listings import DEFAULT_LISTINGS, Listing
from tests.support.venues.kraken.api import names
from tests.support.venues.kraken.venue import Venue
from tests.support.venues.serving.deliveries import Delivery
from tests.support.venues.serving.requests import RequestKind

PRICE = Decimal(40_000)
FEE = Fee(currency="USDT", amount=Decimal(4))


async def placed(desk: KrakenRig) -> OrderIntent:
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


async def filled_unheard(desk: KrakenRig, intent: OrderIntent, seconds: float) -> OrderReport:
    """Fill an order that no stream tells of, and wait for the news by our own clock."""
    news = desk.gateway.news()
    desk.venue.fill(intent.wire_id)
    telling = asyncio.create_task(told(news, intent))
    await desk.clock.advance(seconds)
    async with asyncio.timeout(5):
        return await telling


async def cut(desk: KrakenRig) -> None:
    """Cut the sockets, and wait until that was noticed."""
    desk.venue.user_streams.sockets.cut()
    async with asyncio.timeout(5):
        while desk.venue.user_streams.sockets.open:  # noqa: ASYNC110
            await asyncio.sleep(0.001)
        while "the stream of" not in (desk.gateway.connection.detail or ""):  # noqa: ASYNC110
            await asyncio.sleep(0.001)


def assert_whole(report: OrderReport) -> None:
    assert (report.status, report.filled) == (OrderStatus.FILLED, Decimal("0.1"))
    assert [(fill.trade_id, fill.fee) for fill in report.fills] == [(names.trade_txid(5001), FEE)]


async def hears_again(desk: KrakenRig) -> None:
    """A stream that tells of an order by itself, without being asked."""
    await subscribed(desk)
    asked = desk.venue.journal.count(RequestKind.OPEN_ORDERS)
    await placed(desk)
    assert desk.venue.journal.count(RequestKind.OPEN_ORDERS) == asked


async def test_what_happened_while_the_socket_was_cut_is_told_with_its_trades(
    desk: KrakenRig,
) -> None:
    intent = await placed(desk)
    await cut(desk)
    assert_whole(await filled_unheard(desk, intent, FIRST_PAUSE_SECONDS))
    await hears_again(desk)
    await desk.clock.advance(CALM_SECONDS)
    assert desk.gateway.connection.connectivity is Connectivity.CONNECTED


async def test_with_the_socket_silently_dead_an_update_still_arrives_within_one_watchdog_interval(
    desk: KrakenRig,
) -> None:
    intent = await placed(desk)
    desk.venue.user_streams.sockets.fall_silent()
    assert_whole(await filled_unheard(desk, intent, WATCHDOG_SECONDS * 2 / 3))
    await desk.clock.advance(LAG_SECONDS + FIRST_PAUSE_SECONDS)
    await hears_again(desk)


async def test_reports_that_are_lost_are_found_by_asking(desk: KrakenRig) -> None:
    intent = await placed(desk)
    desk.venue.user_streams.delivery = Delivery.NEVER
    assert_whole(await filled_unheard(desk, intent, WATCHDOG_SECONDS * 2 / 3))


async def test_the_token_of_a_stream_is_asked_for_once_and_not_whenever_it_is_silent(
    desk: KrakenRig,
) -> None:
    for _ in range(4):
        # The socket itself is not silent: it answers pings, which take real time.
        for socket in desk.gateway._session.client.clients.values():
            if socket.isConnected:
                socket.last_message_at = desk.clock.elapsed()
        await desk.clock.advance(WATCHDOG_SECONDS / 2)
    for _ in range(2):
        await placed(desk)
    assert desk.venue.journal.count(RequestKind.STREAM_TOKEN) == 1
    assert desk.venue.journal.count(RequestKind.SUBSCRIBE) == 1


async def test_a_malformed_frame_costs_no_update(desk: KrakenRig) -> None:
    intent = await placed(desk)
    asyncio.get_running_loop().set_exception_handler(lambda *_: None)
    desk.venue.user_streams.sockets.say_nonsense()
    assert_whole(await filled_unheard(desk, intent, WATCHDOG_SECONDS))
    await hears_again(desk)


async def test_a_stream_that_is_ended_on_an_open_socket_is_subscribed_to_again(
    desk: KrakenRig,
) -> None:
    intent = await placed(desk)
    desk.venue.user_streams.terminate(desk.account.name)
    assert_whole(await filled_unheard(desk, intent, WATCHDOG_SECONDS))
    await hears_again(desk)
    assert desk.venue.journal.count(RequestKind.SUBSCRIBE) == 2


def _repeated(desk: KrakenRig) -> None:
    desk.venue.user_streams.delivery = Delivery.TWICE


def _held(desk: KrakenRig) -> None:
    desk.venue.user_streams.delivery = Delivery.HELD


@pytest.mark.parametrize("spoil", [_repeated, _held], ids=["duplicated", "reordered"])
@pytest.mark.parametrize("commission", [Commission.QUOTE, Commission.BASE, Commission.BNB])
async def test_every_trade_is_told_as_requests_tell_it_with_the_same_fee(
    desk: KrakenRig, spoil: Callable[[KrakenRig], None], commission: Commission
) -> None:
    desk.account.commission = commission
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
    assert {fill.fee.currency for fill in report.fills if fill.fee} == {"USDT"}


CHEAP = Listing(
    base="CHEAP",
    quote="USDT",
    price=Decimal("0.00001"),
    tick=Decimal("0.00000001"),
    step=Decimal("0.00000001"),
    least_notional=Decimal(5),
)


async def test_an_amount_of_eighteen_digits_is_told_exactly() -> None:
    amount, price = Decimal("1234567890.12345678"), Decimal("0.00000987")
    venue = Venue(ManualClock(START))
    venue.list_market(CHEAP)
    async with trading_at(venue, venue._clock) as desk:  # type: ignore[arg-type]
        intent, news = a_limit(price, amount=amount, symbol="CHEAP/USDT"), desk.gateway.news()
        await desk.gateway.submit(intent)
        assert (await heard(news)).wire_id == intent.wire_id
        venue.fill(intent.wire_id)
        (streamed,) = (await told(news, intent)).fills
        assert (streamed.amount, streamed.price) == (amount, price)
        report = await desk.gateway.find(key_of(intent))
        assert report is not None
        assert report.filled == amount
        assert report.fills == (streamed,)


async def test_a_snapshot_tells_the_orders_that_waited_before(desk: KrakenRig) -> None:
    order = desk.venue.place_elsewhere(desk.account, "BTCUSDT", "BUY", "0.1", 40_000)
    await cut(desk)
    news = desk.gateway.news()
    await desk.clock.advance(FIRST_PAUSE_SECONDS)
    await subscribed(desk)
    report = await heard(news)
    assert (report.exchange_order_id, report.status) == (
        names.order_txid(order.id),
        OrderStatus.OPEN,
    )


async def test_an_order_of_a_market_that_nobody_knows_deafens_no_stream(desk: KrakenRig) -> None:
    news = desk.gateway.news()
    desk.venue.list_market(replace(DEFAULT_LISTINGS[1], base="SOL"))
    elsewhere = desk.venue.place_elsewhere(desk.account, "SOLUSDT", "BUY", "1", 2000)
    report = await heard(news)
    assert report.exchange_order_id == names.order_txid(elsewhere.id)
    await hears_again(desk)
