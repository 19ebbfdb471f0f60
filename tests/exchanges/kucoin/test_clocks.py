"""Clocks that differ: KuCoin takes a request up to five seconds off."""

import asyncio

import pytest

from app.domain.accounts import Connectivity
from app.errors import ExchangeRejected
from tests.exchanges.conftest import START
from tests.support.clock import ManualClock
from tests.support.exchanges.kucoin import trading
from tests.support.exchanges.rigs import a_limit, an_intent, heard, key_of, steps_off, ticker_of
from tests.support.exchanges.venue_rigs import trading_at
from tests.support.venues.kucoin.venue import Venue
from tests.support.venues.serving.requests import RequestKind


@pytest.mark.parametrize("seconds", [-3600, -6, 6, 3600])
async def test_a_clock_that_is_far_off_costs_neither_an_order_nor_the_stream(
    seconds: float,
) -> None:
    clock = ManualClock(START)
    venue = Venue(clock)
    venue.skew_seconds = seconds
    async with trading_at(venue, clock) as desk:
        assert desk.gateway.connection.connectivity is Connectivity.CONNECTED
        news = desk.gateway.news()
        intent = an_intent()
        await desk.gateway.submit(intent)
        assert (await heard(news)).wire_id == intent.wire_id
        assert await desk.gateway.find(key_of(intent)) is not None


async def test_a_request_that_came_too_late_is_a_plain_no_and_the_clocks_are_compared() -> None:
    async with trading(ManualClock(START)) as desk:
        price = steps_off((await ticker_of(desk.gateway)).bid, -100_000)
        measured = desk.venue.journal.count(RequestKind.TIME)
        desk.venue.skew_seconds = 60
        intent = a_limit(price)
        with pytest.raises(ExchangeRejected) as caught:
            await desk.gateway.submit(intent)
        assert caught.value.refusal.retryable
        async with asyncio.timeout(5):
            await desk.venue.journal.until(RequestKind.TIME, times=measured + 1)
        await desk.clock.advance(1)
        assert await desk.gateway.find(key_of(intent)) is None
        assert (await desk.gateway.submit(a_limit(price))).exchange_order_id
