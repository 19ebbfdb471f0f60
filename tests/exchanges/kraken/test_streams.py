"""What is particular about Kraken's streams, over the genuine ccxt."""

from decimal import Decimal

from app.domain.orders.order import OrderStatus
from app.exchanges.ccxt.streams.stream_reader import FIRST_PAUSE_SECONDS
from tests.exchanges.conftest import START
from tests.support.clock import ManualClock
from tests.support.exchanges.at.kraken import KrakenRig
from tests.support.exchanges.desks import (
    WATCHDOG_SECONDS,
    cut,
    filled_unheard,
    filling,
    hears_again,
    placed_and_heard,
)
from tests.support.exchanges.rigs import a_limit, heard, key_of
from tests.support.exchanges.venue_rigs import subscribed, trading_at
from tests.support.venues.engine.listings import Listing
from tests.support.venues.kraken.api import names
from tests.support.venues.kraken.venue import Venue
from tests.support.venues.serving.requests import RequestKind


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
        await placed_and_heard(desk)
    assert desk.venue.journal.count(RequestKind.STREAM_TOKEN) == 1
    assert desk.venue.journal.count(RequestKind.SUBSCRIBE) == 1


async def test_a_stream_that_is_ended_on_an_open_socket_is_subscribed_to_again(
    desk: KrakenRig,
) -> None:
    intent = await placed_and_heard(desk)
    desk.venue.user_streams.terminate(desk.account.name)
    report = await filled_unheard(desk, intent, WATCHDOG_SECONDS)
    assert len(report.fills) == 1
    await hears_again(desk)
    assert desk.venue.journal.count(RequestKind.SUBSCRIBE) == 2


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
        (streamed,) = (await filling(news, intent)).fills
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
