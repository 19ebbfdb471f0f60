"""OKX's long candles: they begin in Hong Kong unless their name says UTC, and ours begin in UTC."""

import asyncio
from contextlib import aclosing
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from app.domain.markets.candles import CandleRequest
from tests.support.clock import ManualClock
from tests.support.exchanges.at.okx import trading
from tests.support.exchanges.rigs import SYMBOL
from tests.support.venues.engine.tape import DAY_MILLISECONDS

# Past the begin of a day in Hong Kong, which is at 16:00.
EVENING = datetime(2025, 6, 1, 19, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("timeframe", "begin"),
    [
        ("1h", EVENING.replace(minute=0)),
        ("6h", EVENING.replace(hour=18, minute=0)),
        ("12h", EVENING.replace(hour=12, minute=0)),
        ("1d", EVENING.replace(hour=0, minute=0)),
    ],
)
async def test_a_streamed_candle_begins_when_the_listed_one_does(
    timeframe: str, begin: datetime
) -> None:
    async with trading(ManualClock(EVENING)) as desk:
        [listed] = await desk.gateway.candles(
            CandleRequest(symbol=SYMBOL, timeframe=timeframe, limit=1)
        )
        async with aclosing(desk.gateway.watch_candles(SYMBOL, timeframe)) as stream:
            async with asyncio.timeout(5):
                streamed = await anext(stream)
        assert (listed.at, streamed.at) == (begin, begin)


async def test_the_days_since_a_time_are_days_of_utc() -> None:
    async with trading(ManualClock(EVENING)) as desk:
        tape = desk.venue.matching.tapes["BTCUSDT"]
        [first] = tape._prints
        tape._prints.insert(0, replace(first, at=first.at - 2 * DAY_MILLISECONDS))
        today = EVENING.replace(hour=0, minute=0)
        since = today - timedelta(days=1)
        asked = CandleRequest(symbol=SYMBOL, timeframe="1d", limit=2, since=since)
        assert [one.at for one in await desk.gateway.candles(asked)] == [since, today]
