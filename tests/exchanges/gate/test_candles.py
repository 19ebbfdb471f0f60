"""A streamed candle of Gate has its amount in base currency, as the listed one."""

import asyncio
from contextlib import aclosing

from app.domain.markets.candles import CandleRequest
from tests.exchanges.conftest import START
from tests.support.clock import ManualClock
from tests.support.exchanges.at.gate import trading
from tests.support.exchanges.rigs import SYMBOL


async def test_a_streamed_candle_is_the_listed_one() -> None:
    async with trading(ManualClock(START)) as desk:
        desk.venue.move("BTCUSDT", 50_100, amount=3)
        asked = CandleRequest(symbol=SYMBOL, timeframe="1h", limit=1)
        [listed] = await desk.gateway.candles(asked)
        async with aclosing(desk.gateway.watch_candles(SYMBOL, "1h")) as stream:
            async with asyncio.timeout(5):
                streamed = await anext(stream)
        assert streamed == listed
        assert streamed.volume == 4
