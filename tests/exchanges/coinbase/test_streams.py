"""What is particular about Coinbase's streams: one socket for all, and no trades on it."""

import asyncio
from contextlib import aclosing
from dataclasses import replace
from decimal import Decimal

import pytest

from app.domain.orders.order import OrderStatus
from app.exchanges.ccxt.streams.trade_lookups import FIRST_PAUSE_SECONDS
from tests.exchanges.conftest import START
from tests.support.clock import ManualClock
from tests.support.exchanges.at.coinbase import CoinbaseRig
from tests.support.exchanges.desks import (
    AMOUNT,
    WATCHDOG_SECONDS,
    cut,
    filling,
    hears_again,
    placed_and_heard,
    while_time_passes,
)
from tests.support.exchanges.rigs import heard
from tests.support.exchanges.venue_rigs import subscribed, trading_at
from tests.support.venues.coinbase.api.faults import LATE
from tests.support.venues.coinbase.api.streams import HEARTBEATS
from tests.support.venues.coinbase.venue import Venue
from tests.support.venues.engine.listings import DEFAULT_LISTINGS
from tests.support.venues.serving import faults
from tests.support.venues.serving.faults import AnyFault
from tests.support.venues.serving.requests import RequestKind

BTC = "BTC/USDT"
NOTHING_YET = faults.spoiled(lambda page: page | {"fills": []})


async def test_a_fill_is_told_with_its_trade_as_soon_as_the_stream_tells_of_it(
    desk: CoinbaseRig,
) -> None:
    intent = await placed_and_heard(desk)
    news, asked = desk.gateway.news(), desk.venue.journal.count(RequestKind.MY_TRADES)
    desk.venue.fill(intent.wire_id, "0.04")
    report = await filling(news, intent)
    assert (report.status, report.filled) == (OrderStatus.PARTIALLY_FILLED, Decimal("0.04"))
    [fill] = report.fills
    assert (fill.amount, fill.is_fee_final) == (Decimal("0.04"), True)
    # It is asked for the trades of this order and not for all that the market had since.
    *_, question = desk.venue.journal.of(RequestKind.MY_TRADES)
    order = desk.venue.order(intent.wire_id)
    assert question.params["order_ids"] == desk.venue.order_id(order)
    assert desk.venue.journal.count(RequestKind.MY_TRADES) == asked + 1


@pytest.mark.parametrize("fault", [faults.CUT, faults.BAD_GATEWAY, NOTHING_YET])
@pytest.mark.parametrize("kind", [RequestKind.MY_TRADES, RequestKind.FETCH_ORDER])
async def test_trades_that_are_not_listed_yet_are_asked_for_again(
    desk: CoinbaseRig, fault: AnyFault, kind: RequestKind
) -> None:
    intent = await placed_and_heard(desk)
    news, asked = desk.gateway.news(), desk.venue.journal.count(kind)
    desk.venue.faults.on(kind, fault)
    desk.venue.fill(intent.wire_id)
    await desk.venue.journal.until(kind, asked + 1)
    reporting, begun = asyncio.create_task(filling(news, intent)), desk.clock.elapsed()
    while not reporting.done():
        await asyncio.sleep(0.001)
        await desk.clock.advance(FIRST_PAUSE_SECONDS)
    report = await reporting
    # Long before the stream itself is doubted, which would lead to a question as well.
    assert desk.clock.elapsed() - begun < WATCHDOG_SECONDS / 3
    assert (report.status, [fill.amount for fill in report.fills]) == (OrderStatus.FILLED, [AMOUNT])


async def test_many_orders_that_fill_at_once_are_all_told_with_their_trades(
    desk: CoinbaseRig,
) -> None:
    intents = [await placed_and_heard(desk) for _ in range(20)]
    news = desk.gateway.news()
    for intent in intents:
        desk.venue.fill(intent.wire_id)
    left = {intent.wire_id for intent in intents}
    while left:
        report = await heard(news)
        if report.fills:
            left.discard(str(report.wire_id))


async def test_the_order_book_is_streamed_with_its_changes(desk: CoinbaseRig) -> None:
    async with aclosing(desk.gateway.watch_order_book(BTC)) as books:
        first = await anext(books)
        assert (first.bids[0].price, first.asks[0].price) == (Decimal("49999.99"), Decimal(50_000))
        desk.venue.move("BTCUSDT", 51_000)
        moved = await anext(books)
        assert (moved.bids[0].price, moved.asks[0].price) == (Decimal("50999.99"), Decimal(51_000))
        assert moved.bids[0].amount == Decimal(1000)


@pytest.mark.parametrize("stream", ["watch_ticker", "watch_order_book"])
async def test_a_stream_that_was_left_is_entered_again_while_orders_come_over_the_same_socket(
    desk: CoinbaseRig, stream: str
) -> None:
    [socket] = desk.venue.user_streams.sockets.open
    channel = "ticker" if stream == "watch_ticker" else "level2"
    for _ in range(3):
        async with asyncio.timeout(3), aclosing(getattr(desk.gateway, stream)(BTC)) as values:
            await anext(values)
            assert f"{channel}::BTC-USDT" in socket.topics
        async with asyncio.timeout(3):
            while f"{channel}::BTC-USDT" in socket.topics:  # noqa: ASYNC110
                await asyncio.sleep(0.001)
    await placed_and_heard(desk)
    assert desk.venue.user_streams.sockets.open == [socket]


async def test_readers_of_two_markets_leave_at_once(desk: CoinbaseRig) -> None:
    [socket] = desk.venue.user_streams.sockets.open
    streams = [desk.gateway.watch_ticker(symbol) for symbol in (BTC, "ETH/USDT")]
    for stream in streams:
        assert (await anext(stream)).last is not None
    async with asyncio.timeout(3):
        await asyncio.gather(*(stream.aclose() for stream in streams))
        while any(topic.startswith("ticker") for topic in socket.topics):  # noqa: ASYNC110
            await asyncio.sleep(0.001)


async def test_heartbeats_keep_a_socket_open_on_which_nothing_happens(desk: CoinbaseRig) -> None:
    [socket] = desk.venue.user_streams.sockets.open
    assert HEARTBEATS in socket.topics
    desk.venue.user_streams.beat()
    await placed_and_heard(desk)


async def test_prices_are_those_of_the_market_that_was_asked_for_whatever_name_they_bear() -> None:
    venue = Venue(ManualClock(START))
    for quote in ("USD", "USDC"):
        venue.list_market(replace(DEFAULT_LISTINGS[0], quote=quote))
    venue.user_streams.aliases = {"BTC-USDC": "BTC-USD"}
    async with trading_at(venue, venue._clock) as desk:  # type: ignore[arg-type]
        stream = desk.gateway.watch_ticker("BTC/USDC")
        async with aclosing(stream):
            ticker = await anext(stream)
        assert (ticker.symbol, ticker.last) == ("BTC/USDC", Decimal(50_000))


async def test_a_subscription_that_is_refused_is_asked_for_again_with_a_new_token(
    desk: CoinbaseRig,
) -> None:
    await placed_and_heard(desk)
    desk.venue.faults.on(RequestKind.SUBSCRIBE, LATE)
    asked = desk.venue.journal.count(RequestKind.SUBSCRIBE)
    await cut(desk)
    begun = desk.clock.elapsed()
    await while_time_passes(desk, desk.venue.journal.until(RequestKind.SUBSCRIBE, asked + 2))
    assert desk.clock.elapsed() - begun < WATCHDOG_SECONDS / 3
    await subscribed(desk)
    await hears_again(desk)


async def test_a_token_that_is_over_is_not_shown_again(desk: CoinbaseRig) -> None:
    await placed_and_heard(desk)
    # The clocks of both go on, and the token was made for two minutes.
    desk.clock.step(wall=120)
    await cut(desk)
    await while_time_passes(desk, subscribed(desk))
    await hears_again(desk)
