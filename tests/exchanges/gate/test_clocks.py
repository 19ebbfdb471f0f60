"""Gate refuses what is a minute off, so requests and logins to streams go by its clock."""

from decimal import Decimal

import pytest

from app.errors import ExchangeRejected
from tests.exchanges.conftest import START
from tests.support.clock import ManualClock
from tests.support.exchanges.desks import while_time_passes
from tests.support.exchanges.gate import trading
from tests.support.exchanges.rigs import a_limit, settled
from tests.support.exchanges.venue_rigs import trading_at
from tests.support.venues.gate.venue import Venue
from tests.support.venues.serving.requests import RequestKind


@pytest.mark.parametrize("skew_seconds", [-300, 300])
async def test_an_account_whose_clock_is_far_off_trades_and_listens(skew_seconds: int) -> None:
    clock = ManualClock(START)
    venue = Venue(clock)
    venue.skew_seconds = skew_seconds
    async with trading_at(venue, clock) as desk:
        assert (await settled(desk, a_limit(Decimal(40_000)))).filled == 0
        assert desk.venue.user_streams.listeners("main") == 1


async def test_a_request_that_came_too_late_is_rejected_and_the_clock_looked_up() -> None:
    async with trading(ManualClock(START)) as desk:
        asked = desk.venue.journal.count(RequestKind.TIME)
        desk.venue.skew_seconds = 300
        with pytest.raises(ExchangeRejected) as caught:
            await desk.gateway.submit(a_limit(Decimal(40_000)))
        assert caught.value.refusal.retryable
        assert "key" not in (desk.gateway.connection.detail or "")
        await while_time_passes(desk, desk.venue.journal.until(RequestKind.TIME, times=asked + 1))
        assert (await settled(desk, a_limit(Decimal(40_000)))).filled == 0
