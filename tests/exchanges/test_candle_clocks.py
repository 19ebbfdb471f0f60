"""Whether a candle is closed is told by the exchange's clock, however ours goes."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from app.domain.markets.candles import CandleRequest
from tests.exchanges.conftest import START
from tests.support.clock import ManualClock
from tests.support.exchanges.venue_rigs import VenueRig, trading_at
from tests.support.venues.binance.venue import Venue as Binance
from tests.support.venues.kraken.venue import Venue as Kraken
from tests.support.venues.serving.local_venue import LocalVenue

MINUTE = timedelta(minutes=1)
# Our clock is 20 seconds before or after the end of a minute.
BEFORE, AFTER = START + timedelta(seconds=40), START + timedelta(seconds=80)
VENUES = pytest.mark.parametrize("venue_class", [Binance, Kraken], ids=["binance", "kraken"])


@pytest.fixture
async def rig(
    venue_class: type[LocalVenue], at: Any, skew_seconds: float
) -> AsyncIterator[VenueRig[Any]]:
    clock = ManualClock(at)
    venue = venue_class(clock)
    venue.skew_seconds = skew_seconds
    tape = venue.matching.tapes["BTCUSDT"]
    tape._prints[0] = type(tape.last)(
        at=tape.last.at - 300_000, price=tape.last.price, amount=tape.last.amount
    )
    async with trading_at(venue, clock) as rig:
        yield rig


async def candles(rig: VenueRig[Any]) -> dict[Any, bool]:
    asked = CandleRequest(symbol="BTC/USDT", timeframe="1m", limit=3)
    return {candle.at: candle.is_closed for candle in await rig.gateway.candles(asked)}


@VENUES
@pytest.mark.parametrize(("at", "skew_seconds"), [(AFTER, -40.0)])
async def test_a_candle_that_runs_there_is_open_though_it_has_ended_here(
    rig: VenueRig[Any],
) -> None:
    assert await candles(rig) == {
        START - 2 * MINUTE: True, START - MINUTE: True, START: False,
    }  # fmt: skip


@VENUES
@pytest.mark.parametrize(("at", "skew_seconds"), [(BEFORE, 40.0)])
async def test_a_candle_that_has_ended_there_is_closed_though_it_runs_here(
    rig: VenueRig[Any],
) -> None:
    assert await candles(rig) == {START - MINUTE: True, START: True, START + MINUTE: False}


@VENUES
@pytest.mark.parametrize(("at", "skew_seconds"), [(BEFORE, 0.0)])
async def test_a_step_of_our_own_clock_closes_no_candle(rig: VenueRig[Any]) -> None:
    rig.clock.step(wall=40)
    rig.venue.skew_seconds = -40.0
    assert await candles(rig) == {
        START - 2 * MINUTE: True, START - MINUTE: True, START: False,
    }  # fmt: skip
