"""The bot's loop: one process, one cycle at a time, and a takeover when the process has died."""

import asyncio
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, cast

import pytest

from app.bus import Bus, Topic
from app.domain.bot.bot import Assignment, Bot, BotState, StopOptions
from app.domain.markets.candle_series import CandleSeries
from app.domain.markets.candles import Candle
from app.ports import Clock, MarketSource
from app.services.accounts import AccountEntry, AccountService
from app.services.bot.agenda import Agenda
from app.services.bot.candle_closes import CandleCloses
from app.services.bot.cycle import BotCycles
from app.services.bot.runner import LEASE_SECONDS, BotRunner
from app.services.markets.stream_registry import StreamRegistry
from app.services.metrics import Metrics
from app.services.orders.service import OrderService
from app.storage.database import Database
from tests.conftest import START
from tests.support.clock import ManualClock
from tests.support.market_sources import CAPABILITIES, ManualMarketData
from tests.support.services.candle_tapes import account_of

ASSIGNED = Assignment(strategy="one", symbol="BTC/USDT", timeframe="1m", allocation=Decimal(1))
CLIENTS = 20
STEPS = 1000


class InStep:
    """Accounts that are always in step."""

    def __init__(self, source: MarketSource) -> None:
        self.entry = account_of(source)

    def is_in_step(self, _name: str) -> bool:
        return True

    def get(self, _name: str) -> AccountEntry:
        return self.entry


@dataclass
class SlowCycles:
    """Cycles that take a given time, and are counted while they run."""

    clock: Clock
    seconds: float = 0.5
    running: int = 0
    most: int = 0
    begun: int = 0
    ended: list[str] = field(default_factory=list)

    async def run(self, bot: Bot, agenda: Agenda) -> None:
        agenda.take(bot)
        self.begun += 1
        self.running += 1
        self.most = max(self.most, self.running)
        try:
            await self.clock.sleep(self.seconds)
            self.ended.append("whole")
        except asyncio.CancelledError:
            self.ended.append("cut off")
            raise
        finally:
            self.running -= 1


class Handle:
    """Sets the desired state, as the service does."""

    def __init__(self, database: Database) -> None:
        self.database = database

    async def want(self, desired: BotState) -> None:
        async with self.database.transaction() as tx:
            bot = await tx.bots.lock()
            wanted = replace(
                bot, desired=desired, account="paper", assignments=(ASSIGNED,), cycle_seconds=1
            )
            if desired is BotState.STOPPED and bot.state is not BotState.STOPPED:
                wanted = wanted.moved(BotState.STOPPING)
            elif bot.state is BotState.STOPPED and desired is BotState.RUNNING:
                wanted = wanted.moved(BotState.STARTING)
            elif bot.state in {BotState.STOPPED, BotState.STOPPING}:
                return
            await tx.bots.save(wanted)
            tx.announce(Topic.FEED)

    async def state(self) -> BotState:
        async with self.database.snapshot() as view:
            return (await view.bots.read()).state


@asynccontextmanager
async def process(
    database: Database,
    bus: Bus,
    clock: ManualClock,
    cycles: SlowCycles,
    name: str = "one",
    metrics: Metrics | None = None,
    streams: StreamRegistry | None = None,
) -> AsyncIterator["asyncio.Task[None]"]:
    source = ManualMarketData(clock)
    source.capabilities = replace(CAPABILITIES, streaming_candles=True)
    accounts = cast("AccountService", InStep(source))
    streams = StreamRegistry((source,), clock) if streams is None else streams
    runner = BotRunner(
        database=database,
        accounts=accounts,
        closes=CandleCloses(streams, accounts),
        orders=cast("OrderService", None),
        cycles=cast("BotCycles", cycles),
        bus=bus,
        clock=clock,
        name=name,
        metrics=metrics or Metrics(),
    )
    task = asyncio.create_task(runner.run())
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def until(clock: ManualClock, handle: Handle, state: BotState, *, most: int = 400) -> None:
    for _ in range(most):
        if await handle.state() is state:
            return
        await clock.advance(0.05)
    raise AssertionError(f"it never was {state}")


async def until_in_flight(clock: ManualClock, handle: Handle, cycles: SlowCycles) -> None:
    """The bot is RUNNING a little before its first cycle begins."""
    await until(clock, handle, BotState.RUNNING)
    async with asyncio.timeout(10):
        while not cycles.running:
            # The runner gets as much time for its own trips to the database.
            await handle.state()
            await clock.advance(0.05)


async def test_however_it_is_handled_one_cycle_runs_at_a_time(
    database: Database, bus: Bus, clock: ManualClock
) -> None:
    cycles, handle, luck = SlowCycles(clock), Handle(database), random.Random(3)
    wants = [BotState.RUNNING] * 4 + [BotState.PAUSED, BotState.STOPPED]
    steps = iter(range(STEPS))
    async with process(database, bus, clock, cycles):

        async def client() -> None:
            for _ in steps:
                await handle.want(luck.choice(wants))
                await clock.sleep(luck.random() * 3)

        clients = [asyncio.create_task(client()) for _ in range(CLIENTS)]
        while not all(one.done() for one in clients):
            await clock.advance(0.25)
        await asyncio.gather(*clients)
        await handle.want(BotState.STOPPED)
        await until(clock, handle, BotState.STOPPED)
    assert cycles.begun > 3
    assert (cycles.most, cycles.running) == (1, 0)


async def test_a_stop_waits_for_the_cycle_in_flight_and_then_ends_it(
    database: Database, bus: Bus, clock: ManualClock
) -> None:
    handle, quick = Handle(database), SlowCycles(clock, seconds=5)
    async with process(database, bus, clock, quick):
        await handle.want(BotState.RUNNING)
        await until_in_flight(clock, handle, quick)
        await handle.want(BotState.STOPPED)
        await until(clock, handle, BotState.STOPPED)
    assert quick.ended == ["whole"]
    endless = SlowCycles(clock, seconds=1e6)
    async with process(database, bus, clock, endless):
        await handle.want(BotState.RUNNING)
        await until_in_flight(clock, handle, endless)
        await handle.want(BotState.STOPPED)
        await until(clock, handle, BotState.STOPPED)
    assert endless.ended == ["cut off"]


@pytest.mark.parametrize("desired", [BotState.PAUSED, BotState.STOPPED])
async def test_candle_streams_are_followed_while_it_runs_and_left_when_it_does_not(
    database: Database, bus: Bus, clock: ManualClock, desired: BotState
) -> None:
    handle, cycles = Handle(database), SlowCycles(clock)
    streams = StreamRegistry((ManualMarketData(clock),), clock)
    async with process(database, bus, clock, cycles, streams=streams):
        for _ in range(2):
            await handle.want(BotState.RUNNING)
            await until_begun(clock, cycles, cycles.begun + 1)
            assert streams.watchers == 1
            await handle.want(desired)
            await until(clock, handle, desired)
            await until_left(clock, streams)
        await handle.want(BotState.RUNNING)
        await until_begun(clock, cycles, cycles.begun + 1)
    assert streams.watchers == 0


async def until_left(clock: ManualClock, streams: StreamRegistry) -> None:
    async with asyncio.timeout(10):
        while streams.watchers:
            await clock.advance(0.05)


@pytest.mark.parametrize("child", ["BotRunner._keep_renewing", "SlowCycles.run"])
async def test_it_ends_with_its_process_while_it_ends_a_task_of_its_own(
    database: Database, bus: Bus, clock: ManualClock, child: str
) -> None:
    handle, endless = Handle(database), SlowCycles(clock, seconds=1e6)
    async with process(database, bus, clock, endless) as task:
        await handle.want(BotState.RUNNING)
        await until_in_flight(clock, handle, endless)
        # Off the beat of the renewals: one that is due at the moment of the stop ends unseen.
        await clock.advance(0.013)
        await handle.want(BotState.STOPPED)
        await until_ending(child, clock)
        task.cancel()
        assert await asyncio.wait({task}, timeout=10) == ({task}, set())


async def until_ending(name: str, clock: ManualClock) -> None:
    """Wait until the task with this name is being cancelled and has not ended yet."""

    async def pass_time() -> None:
        while True:
            await clock.advance(0.05)

    passing = asyncio.create_task(pass_time())
    async with asyncio.timeout(60):
        while not any(each.cancelling() for each in named(name)):  # noqa: ASYNC110 - nothing tells of it
            await asyncio.sleep(0)
    passing.cancel()


def named(name: str) -> "list[asyncio.Task[Any]]":
    return [
        task
        for task in asyncio.all_tasks()
        if getattr(task.get_coro(), "__qualname__", None) == name
    ]


async def test_cycles_are_counted_and_timed(
    database: Database, bus: Bus, clock: ManualClock
) -> None:
    metrics, handle = Metrics(), Handle(database)
    for seconds in (5.0, 1e6):
        async with process(database, bus, clock, SlowCycles(clock, seconds), metrics=metrics):
            await handle.want(BotState.RUNNING)
            await until(clock, handle, BotState.RUNNING)
            await handle.want(BotState.STOPPED)
            await until(clock, handle, BotState.STOPPED)
    told = metrics.registry.get_sample_value
    for outcome in ("done", "failed"):
        assert told("orderdeck_bot_cycles_total", {"outcome": outcome}) == 1
    # The second cycle got the ten seconds that a stop waits.
    assert told("orderdeck_bot_cycle_seconds_sum") == pytest.approx(15, abs=0.5)


@pytest.mark.parametrize("step", [3600.0, -3600.0])
async def test_a_step_of_the_wall_clock_holds_up_no_cycle_and_hurries_none(
    database: Database, bus: Bus, clock: ManualClock, step: float
) -> None:
    handle, cycles = Handle(database), SlowCycles(clock, 0.1)
    async with process(database, bus, clock, cycles):
        await handle.want(BotState.RUNNING)
        await until_begun(clock, cycles, 1)
        clock.step(wall=step)
        began = clock.elapsed()
        await until_begun(clock, cycles, 4)
    assert 1.9 <= clock.elapsed() - began <= 10


async def test_candles_of_long_ago_are_forgotten_while_it_runs(
    database: Database, bus: Bus, clock: ManualClock
) -> None:
    handle, cycles = Handle(database), SlowCycles(clock)
    series = CandleSeries(source="tape", symbol="BTC/USDT", timeframe="1m")
    candles = [a_candle(clock.now() - timedelta(days=days)) for days in (4, 3)]
    async with database.transaction() as tx:
        await tx.candles.keep(series, candles)
    async with process(database, bus, clock, cycles):
        await handle.want(BotState.RUNNING)
        async with asyncio.timeout(30):
            while await kept_of(database, series) != candles[1:]:
                await clock.advance(0.05)


async def kept_of(database: Database, series: CandleSeries) -> Sequence[Candle]:
    async with database.snapshot() as view:
        return await view.candles.kept(series, 10, START)


def a_candle(at: datetime) -> Candle:
    one = Decimal(1)
    return Candle(at=at, open=one, high=one, low=one, close=one, volume=one, is_closed=True)


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_of_two_processes_one_runs_it_and_the_other_takes_over(
    database: Database, database_url: str, bus: Bus, clock: ManualClock
) -> None:
    handle, cycles = Handle(database), SlowCycles(clock, seconds=0.1)
    streams = [StreamRegistry((ManualMarketData(clock),), clock) for _ in range(2)]
    second_bus, second_cycles = Bus(), SlowCycles(clock, seconds=0.1)
    second = Database(database_url, second_bus)
    async with AsyncExitStack() as opened:
        opened.push_async_callback(second.close)
        first = await opened.enter_async_context(
            process(database, bus, clock, cycles, streams=streams[0])
        )
        await handle.want(BotState.RUNNING)
        await until(clock, handle, BotState.RUNNING)
        await opened.enter_async_context(
            process(second, second_bus, clock, second_cycles, name="two", streams=streams[1])
        )
        await until_begun(clock, cycles)
        assert second_cycles.begun == 0
        assert [each.watchers for each in streams] == [1, 0]
        await died(first, database, clock)
        await until_begun(clock, second_cycles)
        assert [each.watchers for each in streams] == [0, 1]


async def until_begun(clock: ManualClock, cycles: SlowCycles, count: int = 3) -> None:
    """Wait for a real database server, which the test's clock does not control."""
    async with asyncio.timeout(60):
        while cycles.begun < count:
            await clock.advance(0.1)
            await asyncio.sleep(0.005)


async def died(task: "asyncio.Task[Any]", database: Database, clock: ManualClock) -> None:
    """End the process like a crash: its lease stays until it expires."""
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    now = clock.now()
    async with database.transaction() as tx:
        assert await tx.bots.take("one", now, now + timedelta(seconds=LEASE_SECONDS))


def test_a_bot_knows_the_ways_between_its_states() -> None:
    stopped = Bot()
    with pytest.raises(LookupError):
        stopped.moved(BotState.RUNNING)
    assert stopped.moved(BotState.STARTING).moved(BotState.RUNNING).state is BotState.RUNNING
    assert replace(stopped, stop_wish=StopOptions()).moved(BotState.STOPPED) == stopped
