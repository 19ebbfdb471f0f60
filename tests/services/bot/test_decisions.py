"""When a bot decides and trades: at the close of a candle, and each assignment by itself."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from app.domain.bot.bot import Decision, DecisionOutcome, StopOptions
from app.domain.markets.candles import CandleRequest
from app.domain.orders.order import OrderStatus
from app.exchanges.paper.faults import Faults
from app.runtime import Parts, open_runtime
from app.services import Services
from app.settings import Settings
from tests.conftest import on_each_database
from tests.support.clock import ManualClock
from tests.support.services.bots import (
    DCA,
    bot_of,
    decisions,
    orders,
    patiently,
    plan,
    until,
    until_decided,
)
from tests.support.services.own_strategies import MISFIT


@on_each_database
async def test_a_decision_comes_at_the_close_of_its_candle_not_at_the_pace(
    services: Services, clock: ManualClock
) -> None:
    pace, most = 60, timedelta(milliseconds=300)
    await clock.advance(30)
    both = (DCA, replace(DCA, symbol="ETH/USDT"))
    await services.bot.start(plan(services, *both, cycle_seconds=pace))
    await decided_without_time(services, 2)
    for minute in range(1, 4):
        await clock.advance(30 if minute == 1 else 60)
        made = await decided_without_time(services, 2 + 2 * minute)
        for one in made[-2:]:
            assert timedelta() <= one.at - one.candle_at - timedelta(minutes=1) <= most
            assert one.candle_at == clock.now() - timedelta(minutes=1)
            assert one.outcome is DecisionOutcome.ORDERED
    assert len({(one.symbol, one.candle_at) for one in made}) == len(made)


async def decided_without_time(services: Services, count: int) -> list[Decision]:
    """Wait for so many decisions, while the clock stands still."""
    async with asyncio.timeout(10):
        while len(made := await decisions(services)) < count:  # noqa: ASYNC110 - databases
            await asyncio.sleep(0.005)
    return made


async def test_a_strategy_that_hangs_delays_no_other(
    settings: Settings, tmp_path: Path, clock: ManualClock
) -> None:
    """Neither on the same candle nor on the next one, which closes while it hangs."""
    folder = tmp_path / "own"
    folder.mkdir()
    (folder / "misfit.py").write_text(MISFIT)
    hanging = replace(DCA, strategy="misfit", symbol="ETH/USDT", parameters={"how": "loop"})
    chosen = settings.model_copy(update={"strategies_dir": folder})
    async with open_runtime(chosen, Parts(clock=clock)) as services:
        await services.strategies.catalog()
        await clock.advance(58)
        await services.bot.start(plan(services, hanging, DCA, cycle_seconds=1))

        async def has_decided_twice() -> bool:
            return len(await decisions(services)) >= 2

        await patiently(clock, has_decided_twice)
        made = await decisions(services)
        assert [one.strategy for one in made] == [DCA.strategy] * 2
        assert [one.outcome for one in made] == [DecisionOutcome.ORDERED] * 2
        closed_at = made[1].candle_at + timedelta(minutes=1)
        assert made[1].at - closed_at <= timedelta(seconds=1.5)


async def test_the_orders_of_several_strategies_go_out_side_by_side(
    services: Services, clock: ManualClock, faults: Faults
) -> None:
    faults.delay_after_seconds = 1
    symbols = ("BTC/USDT", "ETH/USDT", "SOL/USDT")
    await services.bot.start(plan(services, *(replace(DCA, symbol=each) for each in symbols)))

    async def all_are_sent() -> bool:
        sent = [one for one in await orders(services) if one.status is OrderStatus.SUBMITTING]
        return {one.symbol for one in sent} == set(symbols)

    await until(clock, all_are_sent, step=0.004)


@on_each_database
async def test_a_decision_has_the_candles_close_and_what_was_held(
    services: Services, clock: ManualClock
) -> None:
    await services.bot.start(plan(services, DCA))
    first, second, *_ = await until_decided(services, clock, 2)
    bought = {order.id: order.filled for order in await orders(services)}
    assert first.held == 0
    assert first.order_id is not None
    assert second.held == bought[first.order_id] > 0
    account = services.accounts.get("paper")
    request = CandleRequest(symbol=DCA.symbol, timeframe=DCA.timeframe, limit=20)
    closes = {candle.at: candle.close for candle in await account.gateway.candles(request)}
    for decision in (first, second):
        assert decision.price == closes[decision.candle_at]


async def test_stopping_closes_its_markets_side_by_side(
    services: Services, clock: ManualClock, faults: Faults
) -> None:
    symbols = ("BTC/USDT", "ETH/USDT", "SOL/USDT")
    await services.bot.start(plan(services, *(replace(DCA, symbol=each) for each in symbols)))
    await until_decided(services, clock, len(symbols))
    bought = len(await orders(services))
    faults.delay_after_seconds = 1
    stopping = asyncio.create_task(services.bot.stop(StopOptions(close_positions=True)))

    async def all_are_sent() -> bool:
        sent = (await orders(services))[bought:]
        return {one.symbol for one in sent if one.status is OrderStatus.SUBMITTING} == set(symbols)

    await until(clock, all_are_sent, step=0.01)
    await clock.advance(2)
    await stopping
    assert (await bot_of(services)).last_error is None
    assert {one.status for one in await orders(services)} == {OrderStatus.FILLED}
