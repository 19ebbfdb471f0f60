"""Bybit refuses what comes too late or too early: the clock that counts is the exchange's."""

from collections.abc import AsyncIterator
from decimal import Decimal

import pytest

from app.domain.orders.order import OrderStatus
from app.domain.orders.reports import OrderIntent
from app.errors import ExchangeRejected
from tests.exchanges.conftest import START
from tests.support.clock import ManualClock
from tests.support.exchanges.bybit import BybitRig, trading
from tests.support.exchanges.rigs import a_limit
from tests.support.exchanges.venue_rigs import trading_at
from tests.support.venues.bybit.venue import Venue
from tests.support.venues.serving.requests import RequestKind


@pytest.fixture
async def desk() -> AsyncIterator[BybitRig]:
    async with trading(ManualClock(START)) as rig:
        yield rig


def a_buy() -> OrderIntent:
    return a_limit(Decimal(40_000), amount=Decimal("0.1"))


# ccxt signs the login of a socket by our own clock, for the next ten seconds.
@pytest.mark.parametrize("skew", [-30, 8])
async def test_a_clock_that_is_off_is_set_by_the_exchanges_time(skew: float) -> None:
    clock = ManualClock(START)
    venue = Venue(clock)
    venue.skew_seconds = skew
    async with trading_at(venue, clock) as desk:
        assert (await desk.gateway.submit(a_buy())).status is OrderStatus.OPEN
        assert (await desk.gateway.examine()).clock_skew_seconds == skew


async def test_a_clock_that_jumps_is_noticed_and_set_anew(desk: BybitRig) -> None:
    desk.venue.skew_seconds = 20
    asked, intent = desk.venue.journal.count(RequestKind.TIME), a_buy()
    with pytest.raises(ExchangeRejected) as caught:
        await desk.gateway.submit(intent)
    assert caught.value.refusal.retryable
    assert desk.gateway.anomalies["clock_off"] == 1
    await desk.venue.journal.until(RequestKind.TIME, asked + 1)
    await desk.gateway.tickers(["BTC/USDT"])
    assert (await desk.gateway.submit(a_buy())).status is OrderStatus.OPEN
