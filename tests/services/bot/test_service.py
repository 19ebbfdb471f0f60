"""The bot over the real runtime: several callers, trades through the gate, restarts."""

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from app.domain.bot.bot import Assignment, BotState, DecisionOutcome, StopOptions
from app.domain.order_kinds import OrderSide, OrderSource
from app.domain.orders.order import OrderStatus
from app.domain.risk.clearings import HaltOptions
from app.errors import Denied, RefusalCode
from app.exchanges.paper.faults import Faults
from app.runtime import Parts, open_runtime
from app.services import Services
from app.services.risk.scope import HaltScope
from app.settings import Settings
from app.storage.database import Database
from tests.conftest import on_each_database
from tests.support.clock import ManualClock
from tests.support.services.bots import (
    DCA,
    PAPER,
    bot_of,
    decisions,
    orders,
    patiently,
    plan,
    until,
    until_decided,
)
from tests.support.services.own_strategies import MISFIT

ALL = HaltScope.of(PAPER, is_all=True)
CLIENTS = 20
STEPS = 1000


async def refusal_of(action: Awaitable[None]) -> tuple[RefusalCode, tuple[str, ...] | None]:
    with pytest.raises(Denied) as denied:
        await action
    return denied.value.refusal.code, denied.value.refusal.field


@on_each_database
async def test_it_goes_where_it_is_told_and_says_so(services: Services) -> None:
    assert (await bot_of(services)).state is BotState.STOPPED
    await services.bot.start(plan(services, DCA))
    bot = await bot_of(services)
    assert (bot.state, bot.account, bot.assignments) == (BotState.RUNNING, "paper", (DCA,))
    await services.bot.start(plan(services, DCA))
    await services.bot.pause()
    assert (await bot_of(services)).state is BotState.PAUSED
    await services.bot.resume()
    assert (await bot_of(services)).state is BotState.RUNNING
    await services.bot.stop(StopOptions())
    assert (await bot_of(services)).state is BotState.STOPPED
    await services.bot.stop(StopOptions())
    for ask in (services.bot.pause, services.bot.resume):
        assert (await refusal_of(ask()))[0] is RefusalCode.INVALID_STATE
    await services.bot.start(plan(services))
    assert (await bot_of(services)).assignments == (DCA,)


async def test_what_it_is_told_changes_only_while_it_rests(services: Services) -> None:
    await services.bot.start(plan(services, DCA))
    other = replace(DCA, allocation=Decimal(10))
    asked = services.bot.start(plan(services, other))
    assert (await refusal_of(asked))[0] is RefusalCode.INVALID_STATE
    await services.bot.pause()
    await services.bot.start(plan(services, other))
    bot = await bot_of(services)
    assert (bot.state, bot.assignments) == (BotState.RUNNING, (other,))


@pytest.mark.parametrize(
    ("changes", "code", "field"),
    [
        ({"strategy": "gut-feeling"}, "UNKNOWN_STRATEGY", ("assignments", "0", "strategy")),
        (
            {"parameters": {"every": 0}},
            "INVALID_INPUT",
            ("assignments", "0", "parameters", "every"),
        ),
        ({"symbol": "DOGE/USDT"}, "UNKNOWN_SYMBOL", ("assignments", "0", "symbol")),
        ({"timeframe": "7m"}, "INVALID_INPUT", ("assignments", "0", "timeframe")),
        ({"allocation": Decimal(0)}, "INVALID_INPUT", ("assignments", "0", "allocation")),
        (
            {"allocation": Decimal(10_001)},
            "INSUFFICIENT_FUNDS",
            ("assignments", "0", "allocation"),
        ),
    ],
)
async def test_an_assignment_that_cannot_be_is_refused_by_field(
    services: Services, changes: dict[str, Any], code: str, field: tuple[str, ...]
) -> None:
    asked = services.bot.start(plan(services, replace(DCA, **changes)))
    assert await refusal_of(asked) == (code, field)


async def test_what_makes_no_plan_is_refused(services: Services) -> None:
    for asked, field in (
        (plan(services), "assignments"),
        (plan(services, DCA, cycle_seconds=0), "cycleSeconds"),
        (plan(services, DCA, cycle_seconds=86_401), "cycleSeconds"),
    ):
        assert await refusal_of(services.bot.start(asked)) == ("INVALID_INPUT", (field,))
    twice = services.bot.start(plan(services, DCA, replace(DCA, timeframe="5m")))
    assert await refusal_of(twice) == ("INVALID_INPUT", ("assignments", "1"))
    halves = [replace(DCA, allocation=Decimal(6000)), replace(DCA, symbol="ETH/USDT")]
    halves[1] = replace(halves[1], allocation=Decimal(6000))
    code, field_of_second = await refusal_of(services.bot.start(plan(services, *halves)))
    assert (code, field_of_second) == ("INSUFFICIENT_FUNDS", ("assignments", "1", "allocation"))


async def test_each_closed_candle_is_decided_on_once_and_ordered_through_the_gate(
    services: Services, clock: ManualClock
) -> None:
    await services.bot.start(plan(services, DCA))
    made = await until_decided(services, clock, 6)
    placed = await orders(services)
    bought = [one for one in made if one.outcome is DecisionOutcome.ORDERED]
    assert [one.order_id for one in bought] == [one.id for one in placed]
    assert {(one.source, one.strategy, one.side, one.status) for one in placed} == {
        (OrderSource.BOT, DCA.strategy, OrderSide.BUY, OrderStatus.FILLED)
    }
    assert len({one.candle_at for one in made}) == len(made)
    # It buys a quarter of the allocation four times, fees included, and then stops.
    assert len(placed) == 4
    assert sum(order.cost + order.fees[0].amount for order in placed) <= DCA.allocation
    assert "used up" in made[-1].reason or "less than the market" in made[-1].reason


async def test_after_a_restart_it_runs_again_and_no_candle_twice(
    settings: Settings, clock: ManualClock
) -> None:
    async with open_runtime(settings, Parts(clock=clock)) as first:
        await first.bot.start(plan(first, DCA))
        before = await until_decided(first, clock, 1)
    async with open_runtime(settings, Parts(clock=clock)) as second:

        async def is_running() -> bool:
            return (await bot_of(second)).state is BotState.RUNNING

        await until(clock, is_running, step=0.1)
        await clock.advance(11)
        assert await decisions(second) == before
        after = await until_decided(second, clock, 2)
        assert len(after) == len({one.candle_at for one in after})
        assert len(await orders(second)) == 2


async def test_the_candles_that_it_looked_at_are_kept(
    services: Services, clock: ManualClock, database: Database
) -> None:
    await services.bot.start(plan(services, DCA))
    made = await until_decided(services, clock, 2)
    async with database.snapshot() as view:
        [series] = await view.candles.series()
        [newest] = await view.candles.kept(series, 1, clock.now())
    assert (series.symbol, series.timeframe) == (DCA.symbol, DCA.timeframe)
    assert newest.at == made[-1].candle_at


@pytest.mark.parametrize(
    ("forbid", "outcome"),
    [
        ("window", DecisionOutcome.REFUSED_BY_WINDOW),
        ("limit", DecisionOutcome.REFUSED_BY_RISK),
        ("halt", DecisionOutcome.REFUSED_BY_RISK),
    ],
)
async def test_what_the_gate_refuses_is_told_in_the_decision(
    services: Services, clock: ManualClock, forbid: str, outcome: DecisionOutcome
) -> None:
    match forbid:
        case "window":
            await services.trading_window.configure({"enabled": True, "max_trades_per_day": 0})
        case "limit":
            await services.risk.configure({"allowed_symbols": ()})
        case _:
            await services.halts.halt(ALL, "a test", HaltOptions())
    await services.bot.start(plan(services, DCA))
    [decision] = (await until_decided(services, clock, 1))[:1]
    assert decision.outcome is outcome
    assert decision.order_id is None
    assert await orders(services) == []


async def test_an_exchange_that_is_away_is_counted_and_told_and_comes_back(
    services: Services, clock: ManualClock, faults: Faults
) -> None:
    await services.bot.start(plan(services, DCA, cycle_seconds=1))
    faults.is_disconnected = True

    async def has_failed() -> bool:
        return (await bot_of(services)).consecutive_failures >= 2

    await until(clock, has_failed, step=1)
    bot = await bot_of(services)
    assert (bot.state, bot.last_error) == (
        BotState.RUNNING,
        "the paper exchange cannot be reached",
    )
    faults.is_disconnected = False

    async def is_well() -> bool:
        return (await bot_of(services)).consecutive_failures == 0

    await until(clock, is_well, step=5)
    assert (await bot_of(services)).last_error is None


async def test_strategies_that_misbehave_fail_alone_and_say_how(
    settings: Settings, tmp_path: Path, clock: ManualClock
) -> None:
    """One raises, one wants to buy twice its allocation, one never answers, and one trades."""
    folder = tmp_path / "own"
    folder.mkdir()
    hows = {"ETH/USDT": "throw", "SOL/USDT": "too_large", "BTC/USDT": "loop"}
    for how in hows.values():
        source = MISFIT.replace('name = "misfit"', f'name = "{how}"'.replace("_", "-"))
        (folder / f"{how}.py").write_text(source)
    bad = [
        Assignment(
            strategy=how.replace("_", "-"),
            symbol=symbol,
            timeframe="1m",
            parameters={"how": how},
            allocation=Decimal(1),
        )
        for symbol, how in hows.items()
    ]
    chosen = settings.model_copy(update={"strategies_dir": folder})
    async with open_runtime(chosen, Parts(clock=clock)) as services:
        await services.bot.start(plan(services, *bad, DCA))

        async def have_all_decided() -> bool:
            return len(await decisions(services)) >= len(bad) + 1

        await patiently(clock, have_all_decided)
        made = {one.strategy: one for one in await decisions(services)}
        assert made[DCA.strategy].outcome is DecisionOutcome.ORDERED
        told = {one.strategy: made[one.strategy] for one in bad}
        assert {one.outcome for one in told.values()} == {DecisionOutcome.FAILED}
        assert "KeyError" in told["throw"].reason
        assert "part is above 0" in told["too-large"].reason
        assert "5 s" in told["loop"].reason
        assert (await bot_of(services)).state is BotState.RUNNING


async def test_stopping_closes_what_its_strategies_hold_and_nothing_else(
    services: Services, clock: ManualClock
) -> None:
    await services.bot.start(plan(services, DCA))
    await until_decided(services, clock, 1)
    await services.halts.halt(ALL, "stop all", HaltOptions())
    await services.bot.stop(StopOptions(close_positions=True, cancel_open_orders=True))
    assert (await bot_of(services)).state is BotState.STOPPED
    bought, sold = await orders(services)
    assert (sold.side, sold.amount, sold.source) == (
        OrderSide.SELL,
        bought.filled,
        OrderSource.BOT,
    )
    assert (sold.status, sold.reduce_only, sold.strategy) == (
        OrderStatus.FILLED,
        True,
        bought.strategy,
    )


async def test_twenty_clients_may_handle_it_at_random(
    services: Services, clock: ManualClock
) -> None:
    """Every answer is legal, one cycle runs at a time, and the last call decides how it ends."""
    luck = random.Random(7)
    told: Counter[str] = Counter()
    names = [luck.choice(["start", "pause", "resume", "stop"]) for _ in range(STEPS)]
    actions: dict[str, Callable[[], Awaitable[None]]] = {
        "start": lambda: services.bot.start(plan(services, DCA)),
        "pause": services.bot.pause,
        "resume": services.bot.resume,
        "stop": lambda: services.bot.stop(StopOptions()),
    }
    todo, codes = iter(names), set()

    async def client() -> None:
        for name in todo:
            try:
                await actions[name]()
                told[f"{name} done"] += 1
            except Denied as denied:
                told[f"{name} refused"] += 1
                codes.add(denied.refusal.code)

    tasks_before = len(asyncio.all_tasks())
    async with asyncio.timeout(60), asyncio.TaskGroup() as tasks:
        for _ in range(CLIENTS):
            tasks.create_task(client())
    assert (told.total(), codes) == (STEPS, {RefusalCode.INVALID_STATE})
    assert min(told[f"{name} done"] for name in actions) >= 5
    for last, state in (("start", BotState.RUNNING), ("stop", BotState.STOPPED)):
        if last == "start":
            await services.bot.stop(StopOptions())
        await actions[last]()
        bot = await bot_of(services)
        assert (bot.state, bot.desired) == (state, state)
    await clock.advance(1)
    assert len(asyncio.all_tasks()) <= tasks_before
