"""The bot's loop: follows the desired state and runs cycles, in one process at a time."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial

import structlog

from app.bus import Bus, Listener, Topic
from app.domain.bot import bot as domain
from app.domain.bot.bot import Bot, BotState, StopOptions
from app.domain.markets.candles import Candle
from app.errors import OrderdeckError
from app.ports import Clock
from app.services.accounts import AccountService
from app.services.bot.agenda import Agenda, Name
from app.services.bot.candle_closes import CandleCloses
from app.services.bot.cycle import BotCycles
from app.services.bot.wind_down import BotWindDown
from app.services.markets.candle_history import forget_old
from app.services.metrics import Metrics
from app.services.orders.service import OrderService
from app.storage.database import Database

# How long another process must be silent before this one takes the bot over.
LEASE_SECONDS = 15.0
RENEW_SECONDS = 5.0
# How long a stop waits for the cycle in flight.
STOP_SECONDS = 10.0
# How often an account that is not in step yet is looked at again.
STEP_SECONDS = 1.0
# How long HOLD decisions are kept.
HOLDS_KEPT = timedelta(days=30)
FORGET_EVERY_SECONDS = 3600.0
FORGET_BATCH = 500
_FAR = datetime(9999, 1, 1, tzinfo=UTC)

_logger = structlog.get_logger(__name__)


class LeaseLost(OrderdeckError):
    """Another process has taken the bot over: leave it alone."""


class BotRunner:
    """Brings the bot to the state that was last asked for, while this process holds its lease."""

    def __init__(
        self,
        *,
        database: Database,
        accounts: AccountService,
        orders: OrderService,
        cycles: BotCycles,
        closes: CandleCloses,
        bus: Bus,
        clock: Clock,
        # The name of this process.
        name: str,
        metrics: Metrics | None = None,
    ) -> None:
        self._database = database
        self._accounts = accounts
        self._orders = orders
        self._cycles = cycles
        self._bus = bus
        self._clock = clock
        self._name = name
        self._metrics = metrics or Metrics()
        self._wind_down = BotWindDown(database, accounts, orders)
        self._forgot_at: float | None = None
        self._closes = closes
        self._agenda = Agenda(clock)

    async def run(self) -> None:
        with self._bus.listen(Topic.FEED) as listener:
            while True:
                if _is_idle(await self._read()):
                    await listener.wait_at_most(self._database.poll_seconds)
                elif await self._take_lease():
                    await self._run_mine(listener)
                else:
                    await self._clock.sleep(RENEW_SECONDS)

    async def _run_mine(self, listener: Listener) -> None:
        """Work until the bot is idle, or another process has taken it over."""
        renewing = asyncio.create_task(self._keep_renewing())
        renewing.add_done_callback(lambda _: self._agenda.close())
        try:
            await self._change(_taken_over)
            while not _is_idle(bot := await self._read()) and not renewing.done():
                await self._step(bot, listener)
        finally:
            self._leave_streams()
            await self._give_up(renewing)

    async def _step(self, bot: Bot, listener: Listener) -> None:
        if bot.state is BotState.RUNNING:
            self._closes.follow(bot, partial(self._note, listener))
        else:
            self._leave_streams()
        match bot.state:
            case BotState.STARTING:
                await self._begin(bot, listener)
            case BotState.RUNNING | BotState.PAUSED if bot.desired is not bot.state:
                await self._change(_as_desired)
            case BotState.RUNNING:
                await self._cycle_when_due(bot, listener)
            case BotState.PAUSED:
                await self._until_rung(listener, RENEW_SECONDS)
            case BotState.STOPPING | BotState.STOPPED | BotState.FAILED:
                await self._wind_up(bot)

    def _note(self, listener: Listener, names: Sequence[Name], candle: Candle) -> None:
        self._agenda.note(names, candle)
        listener.ring()

    def _leave_streams(self) -> None:
        self._closes.leave()
        self._agenda.clear()

    async def _begin(self, bot: Bot, listener: Listener) -> None:
        """Start once the account has been compared with the exchange."""
        if self._accounts.is_in_step(bot.account or ""):
            await self._change(_as_desired)
        else:
            await self._until_rung(listener, STEP_SECONDS)

    async def _cycle_when_due(self, bot: Bot, listener: Listener) -> None:
        rest = self._agenda.rest_seconds(bot)
        if rest > 0:
            await self._until_rung(listener, rest)
            return
        began, elapsed_before = self._clock.now(), self._clock.elapsed()
        failure = await self._cycle(bot, listener)
        took = self._clock.elapsed() - elapsed_before
        self._metrics.cycled(took, is_done=failure is None)
        milliseconds = int(took * 1000)
        await self._change(lambda now: _after_cycle(now, began, milliseconds, failure))
        await self._forget(began)

    async def _forget(self, now: datetime) -> None:
        """Once an hour, delete old HOLD decisions and old candles."""
        elapsed = self._clock.elapsed()
        if self._forgot_at is None or elapsed - self._forgot_at >= FORGET_EVERY_SECONDS:
            self._forgot_at = elapsed
            forgotten = FORGET_BATCH
            while forgotten == FORGET_BATCH:
                async with self._database.transaction() as tx:
                    forgotten = await tx.bots.forget_holds(now - HOLDS_KEPT, limit=FORGET_BATCH)
            await forget_old(self._database, now)

    async def _cycle(self, bot: Bot, listener: Listener) -> str | None:
        """Run a cycle; returns why it failed, or None. A stop waits a while, then cancels it."""
        self._agenda.open()
        cycle = asyncio.ensure_future(self._cycles.run(bot, self._agenda))
        watching = asyncio.ensure_future(self._until_stopping(listener))
        try:
            await asyncio.wait({cycle, watching}, return_when=asyncio.FIRST_COMPLETED)
            self._agenda.close()
            if not cycle.done():
                await self._wait_for(cycle)
            return await _outcome(cycle)
        finally:
            for task in (cycle, watching):
                task.cancel()
            await asyncio.gather(cycle, watching, return_exceptions=True)

    async def _wait_for(self, cycle: "asyncio.Future[None]") -> None:
        with suppress(TimeoutError):
            async with self._clock.timeout(STOP_SECONDS):
                await asyncio.wait({cycle})
        cycle.cancel()

    async def _until_stopping(self, listener: Listener) -> None:
        while (bot := await self._read()).state is BotState.RUNNING:
            if bot.desired is not BotState.RUNNING:
                self._agenda.close()
            await listener.wait_at_most(self._database.poll_seconds)

    async def _wind_up(self, bot: Bot) -> None:
        failed = await self._wind_down.carry_out(bot.stop_wish, bot.account)
        now = self._clock.now()
        await self._change(lambda latest: _wound_up(latest, now, bot.stop_wish, failed))

    async def _read(self) -> Bot:
        async with self._database.snapshot() as view:
            return await view.bots.read()

    async def _change(self, decide: Callable[[Bot], Bot]) -> None:
        async with self._database.transaction() as tx:
            before = await tx.bots.lock()
            after = decide(before)
            if after != before:
                await tx.bots.save(after)
                tx.announce(Topic.FEED)
                if after.state is not before.state:
                    _logger.info("bot.state", state=str(after.state), error=after.last_error)

    async def _take_lease(self) -> bool:
        """Take or renew the lease; on SQLite an old one is ignored: no other process can run."""
        now = self._clock.now()
        is_alone = self._database.poll_seconds is None
        until = now + timedelta(seconds=LEASE_SECONDS)
        async with self._database.transaction() as tx:
            return await tx.bots.take(self._name, _FAR if is_alone else now, until)

    async def _keep_renewing(self) -> None:
        while True:
            await self._clock.sleep(RENEW_SECONDS)
            if not await self._take_lease():
                raise LeaseLost("another process runs the bot")

    async def _give_up(self, renewing: "asyncio.Task[None]") -> None:
        renewing.cancel()
        # Awaiting the task directly could not tell its cancellation from our own.
        try:
            await asyncio.wait({renewing})
        finally:
            await self._release()
        if not renewing.cancelled():
            with suppress(LeaseLost):
                renewing.result()

    async def _release(self) -> None:
        async with self._database.transaction() as tx:
            await tx.bots.release(self._name)

    async def _until_rung(self, listener: Listener, seconds: float) -> None:
        poll = self._database.poll_seconds
        with suppress(TimeoutError):
            async with self._clock.timeout(seconds if poll is None else min(seconds, 1.0)):
                await listener.wait()


def _is_idle(bot: Bot) -> bool:
    is_resting = bot.state in {BotState.STOPPED, BotState.FAILED}
    return is_resting and bot.stop_wish == StopOptions()


def _taken_over(bot: Bot) -> Bot:
    """A bot that ran in another process, or before a restart, starts again."""
    return bot.moved(BotState.STARTING) if bot.state is BotState.RUNNING else bot


def _as_desired(bot: Bot) -> Bot:
    if bot.desired is BotState.STOPPED or bot.state is BotState.STOPPING:
        return bot
    return bot.moved(bot.desired)


def _after_cycle(bot: Bot, began: datetime, milliseconds: int, failure: str | None) -> Bot:
    failures = 0 if failure is None else bot.consecutive_failures + 1
    after = replace(
        bot,
        cycles=bot.cycles + 1,
        last_cycle_at=began,
        last_cycle_milliseconds=milliseconds,
        consecutive_failures=failures,
        last_error=failure if failure is not None else None,
    )
    if failures >= domain.MOST_FAILURES and after.state is BotState.RUNNING:
        words = f"{failures} cycles in a row came to nothing; the last: {failure}"
        return replace(after.moved(BotState.FAILED), last_error=words)
    return after


def _wound_up(bot: Bot, now: datetime, done: StopOptions, failed: list[str]) -> Bot:
    """The bot after its wind-down; what was asked for meanwhile is done next."""
    rest = bot.stop_wish if bot.stop_wish != done else StopOptions()
    words = f"not everything was done on stopping: {'; '.join(failed)}"[:500] if failed else None
    after = replace(bot, stop_wish=rest, last_error=words or bot.last_error)
    if bot.state is not BotState.STOPPING or rest != StopOptions():
        return after
    return replace(after.moved(BotState.STOPPED), stopped_at=now)


async def _outcome(cycle: "asyncio.Future[None]") -> str | None:
    await asyncio.wait({cycle})
    if cycle.cancelled():
        return "the cycle was ended by the stop"
    try:
        cycle.result()
    except OrderdeckError as error:
        return str(error)
    except Exception as error:  # a cycle may fail in any way; the next one tries again
        _logger.exception("bot.cycle_failed")
        return f"{type(error).__name__}: the log tells more"
    return None
