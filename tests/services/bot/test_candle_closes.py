"""The candle streams that a bot follows: one for each market and timeframe, and only then."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import cast

import pytest

from app.domain.bot.bot import Assignment, Bot
from app.domain.markets.candles import Candle
from app.services.accounts import AccountEntry, AccountService
from app.services.bot.agenda import Name
from app.services.bot.candle_closes import CandleCloses
from app.services.markets.stream_registry import StreamRegistry
from tests.support.clock import ManualClock
from tests.support.market_sources import CAPABILITIES, ManualMarketData
from tests.support.services.candle_tapes import account_of


def assigned(strategy: str, symbol: str, timeframe: str) -> Assignment:
    return Assignment(strategy=strategy, symbol=symbol, timeframe=timeframe, allocation=Decimal(1))


ASSIGNMENTS = (
    assigned("one", "BTC/USDT", "1m"),
    assigned("two", "BTC/USDT", "1m"),
    assigned("one", "ETH/USDT", "1h"),
)
BOT = Bot(account="hand", assignments=ASSIGNMENTS)


class Following:
    """A bot's closes at an exchange whose streams yield what the test sends."""

    def __init__(self, clock: ManualClock) -> None:
        self.source = ManualMarketData(clock)
        self.source.capabilities = replace(CAPABILITIES, streaming_candles=True)
        self.streams = StreamRegistry((self.source,), clock)
        self.closes = CandleCloses(self.streams, cast("AccountService", self))
        self.noted: list[tuple[Sequence[Name], Candle]] = []

    def get(self, _name: str) -> AccountEntry:
        return account_of(self.source)

    def follow(self, bot: Bot = BOT) -> None:
        self.closes.follow(bot, lambda names, candle: self.noted.append((names, candle)))


@pytest.fixture
async def following(clock: ManualClock) -> AsyncIterator[Following]:
    following = Following(clock)
    running = asyncio.create_task(following.streams.run())
    yield following
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_each_market_and_timeframe_has_one_stream(following: Following) -> None:
    for _ in range(3):
        following.follow()
    await following.source.send("BTC/USDT 1m", following.source.candle())
    await following.source.send("ETH/USDT 1h", following.source.candle())
    assert following.source.opened == {"BTC/USDT 1m": 1, "ETH/USDT 1h": 1}
    assert following.streams.watchers == 2
    assert following.source.asked.total() == 0


async def test_a_closed_candle_is_noted_once_for_all_its_assignments(
    following: Following,
) -> None:
    following.follow()
    running = following.source.candle()
    for candle in (running, replace(running, is_closed=True), replace(running, is_closed=True)):
        await following.source.send("BTC/USDT 1m", candle)
    names = [assignment.name for assignment in ASSIGNMENTS[:2]]
    assert following.noted == [(names, replace(running, is_closed=True))]


async def test_a_candle_has_closed_when_the_next_one_begins(
    following: Following, clock: ManualClock
) -> None:
    """By our clock, which may be behind the exchange's, it runs until then."""
    following.follow()
    first = following.source.candle()
    await following.source.send("BTC/USDT 1m", first)
    await clock.advance(1)
    await following.source.send("BTC/USDT 1m", following.source.candle())
    assert [candle for _, candle in following.noted] == [replace(first, is_closed=True)]


async def test_other_assignments_are_followed_on_streams_of_their_own(
    following: Following,
) -> None:
    following.follow()
    following.follow(replace(BOT, assignments=ASSIGNMENTS[2:]))
    assert following.streams.watchers == 1
    following.closes.leave()
    assert following.streams.watchers == 0


async def test_an_exchange_without_candle_streams_is_not_polled_for_them(
    following: Following,
) -> None:
    following.source.capabilities = CAPABILITIES
    following.follow()
    assert (len(following.streams), following.source.opened.total()) == (0, 0)
    # Before the first connection it is not known what the exchange can do.
    following.source.capabilities = replace(CAPABILITIES, streaming_candles=True)
    following.follow()
    assert following.streams.watchers == 2
