"""The prices of many markets of Binance, in one request."""

from collections.abc import AsyncIterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from tests.exchanges.conftest import START
from tests.support.clock import ManualClock
from tests.support.exchanges.at.binance import BinanceRig, trading
from tests.support.venues.serving.requests import Request, RequestKind

WANTED = ["BTC/USDT", "ETH/USDT", "ETH/BTC", "NO/SUCH"]
PRICES = {"BTC/USDT": Decimal(50_000), "ETH/USDT": Decimal(2500), "ETH/BTC": Decimal("0.05")}


@pytest.fixture
async def desk() -> AsyncIterator[BinanceRig]:
    async with trading(ManualClock(START)) as rig:
        yield rig


async def last(desk: BinanceRig) -> dict[str, Any]:
    tickers = await desk.gateway.last_prices(WANTED)
    return {symbol: ticker.last for symbol, ticker in tickers.items()}


async def test_prices_of_any_number_of_markets_cost_4_weights(desk: BinanceRig) -> None:
    before = desk.venue.limits.spent.total()
    assert await last(desk) == PRICES
    assert desk.venue.limits.spent.total() - before == 4


async def test_the_exchange_s_own_count_of_the_minute_is_taken_over(desk: BinanceRig) -> None:
    at = desk.venue.now()
    for _ in range(100):
        desk.venue.limits.spend(Request(kind=RequestKind.ACCOUNT, at=at))
    await last(desk)
    queue = desk.gateway._session._queue
    assert queue is not None
    assert round(queue.budget.spent * 5) == desk.venue.limits.spent.total()


async def test_a_market_that_is_gone_does_not_hold_up_the_others(desk: BinanceRig) -> None:
    desk.venue.delist_market("ETHUSDT")
    assert await last(desk) == {
        symbol: price for symbol, price in PRICES.items() if symbol != "ETH/USDT"
    }


async def test_without_a_cheap_list_the_tickers_are_asked_for_and_all_if_one_is_gone(
    desk: BinanceRig,
) -> None:
    session = desk.gateway._session
    session.quirks = replace(session.quirks, last_prices_method=None)
    assert await last(desk) == PRICES
    assert desk.venue.journal.count(RequestKind.TICKER) == 1
    desk.venue.delist_market("ETHUSDT")
    assert set(await last(desk)) == {"BTC/USDT", "ETH/BTC"}
    assert desk.venue.journal.count(RequestKind.TICKER) == 3
