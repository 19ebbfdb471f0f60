"""Clocks that differ, over the genuine ccxt: what counts is the exchange's, which is asked for."""

import asyncio

import pytest

from app.domain.accounts import Connectivity
from app.errors import ExchangeRejected
from app.exchanges.ccxt.rows.table import QUIRKS
from tests.exchanges.conftest import START
from tests.support.clock import ManualClock
from tests.support.exchanges.desks import found, placed_and_heard, while_time_passes
from tests.support.exchanges.rigs import a_limit, key_of, steps_off, ticker_of
from tests.support.exchanges.venue_rigs import trading_at
from tests.support.venues.every_venue import VENUES
from tests.support.venues.serving.requests import RequestKind

# Kraken has numbers that grow instead of times.
TIMED = [exchange for exchange in VENUES if not QUIRKS[exchange].numbers_requests]


@pytest.mark.parametrize("exchange", TIMED)
@pytest.mark.parametrize("direction", [-1, 1])
@pytest.mark.parametrize("further", [1, 3600])
async def test_a_clock_that_is_off_costs_neither_an_order_nor_the_stream(
    exchange: str, direction: int, further: int
) -> None:
    clock = ManualClock(START)
    venue = VENUES[exchange](clock)
    skew = direction * (QUIRKS[exchange].acceptance_seconds + further)
    venue.skew_seconds = skew
    async with trading_at(venue, clock) as desk:
        assert desk.gateway.connection.connectivity is Connectivity.CONNECTED
        await found(desk, await placed_and_heard(desk))
        assert (await desk.gateway.examine()).clock_skew_seconds == pytest.approx(skew, abs=1)


@pytest.mark.parametrize("exchange", TIMED)
@pytest.mark.parametrize("direction", [-1, 1])
async def test_a_clock_that_jumps_costs_one_request_which_is_a_plain_no(
    exchange: str, direction: int
) -> None:
    clock = ManualClock(START)
    async with trading_at(VENUES[exchange](clock), clock) as desk:
        price = steps_off((await ticker_of(desk.gateway)).bid, -100_000)
        measured = desk.venue.journal.count(RequestKind.TIME)
        desk.venue.skew_seconds = direction * (QUIRKS[exchange].acceptance_seconds + 60)
        intent = a_limit(price)
        with pytest.raises(ExchangeRejected) as caught:
            await desk.gateway.submit(intent)
        assert caught.value.refusal.retryable
        until = desk.venue.journal.until(RequestKind.TIME, times=measured + 1)
        await while_time_passes(desk, until)
        async with asyncio.timeout(5):
            assert await desk.gateway.find(key_of(intent)) is None
            assert (await desk.gateway.submit(a_limit(price))).exchange_order_id
