"""The equity recorder: which points it writes, and when."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from app.bus import Bus
from app.domain.portfolio.equity_curves import EquityPoint, max_drawdown_percent
from app.services.portfolio.equity_recorder import RECORD_SECONDS, EquityRecorder
from app.storage.database import Database
from tests.conftest import START, on_each_database
from tests.support.clock import ManualClock
from tests.support.services.desks import PortfolioRig


@pytest.fixture
async def house(database: Database, bus: Bus, clock: ManualClock) -> PortfolioRig:
    return await PortfolioRig(database, bus, clock).open()


@asynccontextmanager
async def recording(house: PortfolioRig) -> AsyncIterator[EquityRecorder]:
    """A recorder that runs and waits for the next change."""
    recorder = house.recorder()
    running = asyncio.create_task(recorder.run())
    await house.clock.until_asleep()
    try:
        yield recorder
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running


async def seconds(house: PortfolioRig) -> list[float]:
    """The seconds after START at which points were written."""
    return [(point.at - START).total_seconds() for point in await house.curve()]


async def settled(house: PortfolioRig, points: int) -> list[float]:
    """The same, once there are this many points."""
    async with asyncio.timeout(5):
        while len(found := await seconds(house)) < points:  # noqa: ASYNC110 - nothing tells
            await asyncio.sleep(0.001)
    await house.clock.until_asleep()
    return found


async def test_a_point_is_written_at_once_and_then_every_minute(house: PortfolioRig) -> None:
    async with recording(house):
        assert await settled(house, 1) == [0]
        await house.clock.advance(RECORD_SECONDS - 1)
        assert await seconds(house) == [0]
        house.desk.held = {"USDT": "777.5"}
        await house.clock.advance(1)
        assert await settled(house, 2) == [0, 60]
    assert [point.equity for point in await house.curve()] == [Decimal(10000), Decimal("777.5")]


async def test_a_fill_is_written_at_once_and_many_at_most_every_second(house: PortfolioRig) -> None:
    async with recording(house):
        await house.clock.advance(10)
        await house.trade("0.1", "50000")
        assert await settled(house, 2) == [0, 10]
        for _ in range(5):
            await house.trade("0.01", "50000")
        await house.clock.advance(0.9)
        assert await seconds(house) == [0, 10]
        await house.clock.advance(0.1)
        assert await settled(house, 3) == [0, 10, 11]
        await house.clock.advance(30)
        assert await seconds(house) == [0, 10, 11]


async def test_an_order_that_is_not_filled_writes_nothing(house: PortfolioRig) -> None:
    async with recording(house):
        await house.clock.advance(10)
        await house.place_open_order()
        await house.clock.advance(5)
        assert await seconds(house) == [0]


async def test_nothing_is_written_while_something_that_matters_has_no_price(
    house: PortfolioRig,
) -> None:
    house.desk.held = {"USDT": "1", "BTC": "1"}
    house.desk.stale = {"BTC/USDT"}
    async with recording(house):
        assert await seconds(house) == []
        house.desk.stale, house.desk.silent = set(), {"BTC/USDT"}
        await house.clock.advance(RECORD_SECONDS)
        assert await seconds(house) == []
        house.desk.silent = set()
        await house.clock.advance(RECORD_SECONDS)
        assert await settled(house, 1) == [120]


async def test_an_exchange_that_is_away_is_asked_again_in_the_next_round(
    house: PortfolioRig,
) -> None:
    house.desk.is_away = True
    async with recording(house):
        house.desk.is_away = False
        await house.clock.advance(RECORD_SECONDS)
        assert await settled(house, 1) == [60]


async def test_an_exchange_that_never_answers_is_not_waited_for(house: PortfolioRig) -> None:
    house.desk.is_mute = True
    house.account = replace(house.account, answer_seconds=0.01)
    async with recording(house):
        house.desk.is_mute = False
        await house.clock.advance(RECORD_SECONDS)
        assert await settled(house, 1) == [60]


async def test_the_records_of_before_are_there_after_a_restart(house: PortfolioRig) -> None:
    house.desk.held = {"BTC": "0.2"}
    async with recording(house):
        await settled(house, 1)
    house.desk.prices["BTC/USDT"] = "45000"
    await house.clock.advance(5)
    async with recording(house):
        assert await settled(house, 2) == [0, 5]
        assert (await house.read()).drawdown_percent == Decimal(10)


async def test_the_older_the_points_the_fewer_are_kept_and_never_the_extremes(
    house: PortfolioRig,
) -> None:
    """Given a point every twenty seconds, over two hours and over an hour eight days ago."""
    old = START - timedelta(days=8)
    await house.write(*every_twenty_seconds(old, 180), *every_twenty_seconds(START, 360))
    await house.clock.advance(2 * 3600)
    before = await house.curve()
    recorder = house.recorder()
    await recorder.thin()
    after = await house.curve()
    of_old = [point for point in after if point.at < START]
    assert 4 <= len(of_old) <= 8
    recent = [point for point in after if point.at >= START + timedelta(hours=1)]
    assert len(recent) == 180
    assert len(after) <= len(of_old) + 4 * 60 + 180
    for some in (before, after):
        assert max(point.equity for point in some) == Decimal(1000)
    assert max_drawdown_percent(after) == max_drawdown_percent(before)
    await house.recorder().thin()
    await recorder.thin()
    assert await house.curve() == after


def every_twenty_seconds(since: datetime, count: int) -> list[EquityPoint]:
    """Points that go up and down, with one peak and one trough."""
    values = [500 + 7 * number % 60 for number in range(count)]
    values[count // 3], values[count // 2] = 1000, 100
    return [
        EquityPoint(at=since + timedelta(seconds=20 * number), equity=Decimal(value))
        for number, value in enumerate(values)
    ]


async def falls(house: PortfolioRig) -> tuple[float, float]:
    """The drawdown now and the maximum drawdown, in percent, to 12 places."""
    async with house.view() as view:
        found = await house.portfolios.read(view, house.account, None)
        done = await house.portfolios.performance(view, found, None)
    return round(float(found.drawdown_percent), 12), round(float(done.max_drawdown_percent), 12)


@on_each_database
async def test_deposits_and_withdrawals_are_neither_gains_nor_losses(house: PortfolioRig) -> None:
    house.desk.held = {"USDT": "5000", "BTC": "0.1"}
    recorder = house.recorder()
    await recorder.record()
    house.desk.held["USDT"] = "95000"
    # Before the deposit is recorded too; the next recorder is a new one that only has the records.
    assert await falls(house) == (0, 0)
    await house.clock.advance(60)
    await house.recorder().record()
    house.desk.prices["BTC/USDT"] = "40000"
    await house.clock.advance(60)
    await recorder.record()
    # The loss is one percent of 100,000, not a tenth of the first 10,000.
    assert await falls(house) == (1, 1)
    house.desk.held["USDT"] = "5500"
    assert await falls(house) == (1, 1)
    await house.clock.advance(60)
    await recorder.record()
    assert await falls(house) == (1, 1)
    assert [int(point.equity) for point in await house.curve()] == [10000, 100000, 99000, 9500]


async def test_a_coin_that_is_deposited_counts_at_its_price_and_gains_from_then_on(
    house: PortfolioRig,
) -> None:
    await house.recorder().record()
    house.desk.held["BTC"] = "0.2"
    await house.clock.advance(60)
    await house.recorder().record()
    house.desk.prices["BTC/USDT"] = "40000"
    assert await falls(house) == (10, 0)


async def test_an_account_that_was_emptied_begins_anew(house: PortfolioRig) -> None:
    recorder = house.recorder()
    for held in ("10000", "0", "300"):
        house.desk.held = {"USDT": held}
        await house.clock.advance(60)
        await recorder.record()
        assert await falls(house) == (0, 0)
    house.desk.held = {"USDT": "150", "BTC": "0.003"}
    await house.clock.advance(60)
    await recorder.record()
    house.desk.prices["BTC/USDT"] = "25000"
    assert await falls(house) == (25, 0)


async def test_what_trades_bring_and_cost_is_no_deposit(house: PortfolioRig) -> None:
    """The number of units does not change, to the last decimal place."""
    house.desk.prices |= {"ETH/BTC": "0.05", "ETH/USDT": "2500"}
    recorder = house.recorder()
    trades = (("0.1", "50000", "BTC/USDT"), ("1.7", "0.0501", "ETH/BTC"))
    for amount, price, symbol in (*trades, ("-0.0333", "49000", "BTC/USDT")):
        await house.trade(amount, price, symbol=symbol)
        await house.clock.advance(60)
        await recorder.record()
    points = await house.curve()
    assert [point.units for point in points] == [Decimal(1)] * 3
    assert len({point.equity for point in points}) == 3
