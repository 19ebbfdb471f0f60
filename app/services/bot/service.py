"""The bot service: start, pause, resume, stop and follow the bot, by many callers at once."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from decimal import Decimal

from app.bus import Bus, Listener, Topic
from app.domain import money
from app.domain.access.audit import AuditSubject
from app.domain.bot import bot as domain
from app.domain.bot.bot import Assignment, Bot, BotState, Decision, StopOptions
from app.domain.checks import invalid
from app.domain.markets.candles import examine_timeframe
from app.domain.markets.markets import Market
from app.domain.markets.symbols import unknown_symbol
from app.domain.order_kinds import PositionType
from app.errors import Denied, ExchangeError, Refusal, RefusalCode
from app.ports import Clock
from app.services.accounts import AccountEntry, AccountService
from app.services.bot.strategies import StrategyRunner
from app.services.live import live_queries
from app.services.live.live_queries import LiveQueries, Observation
from app.services.orders.gate import deny
from app.services.reads import View, ViewService
from app.storage.database import Database

BATCH = 200
# How long a call waits for the bot to reach the desired state.
SETTLE_SECONDS = 2.0
_UNDER_WAY = frozenset({BotState.STARTING, BotState.RUNNING})


@dataclass(frozen=True, kw_only=True, slots=True)
class BotPlan:
    """What startBot asks for; None keeps what the bot had before."""

    account: AccountEntry
    assignments: tuple[Assignment, ...] | None = None
    cycle_seconds: int | None = None
    # Whether the caller named the account.
    is_account_given: bool = False


class BotService:
    """Stores the desired state of the one bot; the runner follows it."""

    def __init__(
        self,
        *,
        database: Database,
        accounts: AccountService,
        strategies: StrategyRunner,
        views: ViewService,
        live: LiveQueries,
        bus: Bus,
        clock: Clock,
    ) -> None:
        self._database = database
        self._accounts = accounts
        self._strategies = strategies
        self._views = views
        self._live = live
        self._bus = bus
        self._clock = clock

    async def read(self, view: View) -> Bot:
        return await view.bot()

    async def follow(self) -> AsyncGenerator[Bot, None]:
        """Yield the bot now, and again with every change."""
        return await self._live.follow(live_queries.LiveQuery(key="bot", observe=self._observe))

    async def start(self, plan: BotPlan) -> None:
        """Start the bot, or resume it after a pause, perhaps with new assignments."""
        if plan.assignments is not None:
            deny(await self._check(plan.account, plan.assignments))
        if plan.cycle_seconds is not None:
            deny(_check_seconds(plan.cycle_seconds))
        await self._change(lambda bot: _started(bot, plan, self._clock))

    async def pause(self) -> None:
        await self._change(_paused)

    async def resume(self) -> None:
        await self._change(_resumed)

    async def stop(self, wish: StopOptions) -> None:
        await self._change(lambda bot: _stopped(bot, wish))

    async def decisions(self, accounts: frozenset[str]) -> AsyncGenerator[Decision, None]:
        """Yield each decision made from now on, in order."""
        listener = self._bus.listen(Topic.FEED)
        async with self._database.snapshot() as view:
            return self._decisions_after(accounts, await view.bots.last_decision_id(), listener)

    async def _decisions_after(
        self, accounts: frozenset[str], last: str, listener: Listener
    ) -> AsyncGenerator[Decision, None]:
        with listener:
            while True:
                async with self._database.snapshot() as view:
                    made = await view.bots.decisions_after(accounts, last, BATCH)
                for decision in made:
                    yield decision
                    last = decision.id
                if not made:
                    await listener.wait_at_most(self._database.poll_seconds)

    async def _observe(self, _before: Bot | None) -> Observation[Bot]:
        async with self._views.open(frozenset()) as view:
            return Observation(state=await view.bot())

    async def _change(self, decide: Callable[[Bot], Bot]) -> None:
        """Store the desired state, and give the runner a moment to reach it."""
        with self._bus.listen(Topic.FEED) as listener:
            await self._write(decide)
            with suppress(TimeoutError):
                async with self._clock.timeout(SETTLE_SECONDS):
                    while not await self._is_settled():
                        await listener.wait_at_most(self._database.poll_seconds)

    async def _is_settled(self) -> bool:
        async with self._database.snapshot() as view:
            bot = await view.bots.read()
        return bot.state in {bot.desired, BotState.FAILED}

    async def _write(self, decide: Callable[[Bot], Bot]) -> None:
        async with self._database.transaction() as tx:
            before = await tx.bots.lock()
            after = decide(before)
            if after != before:
                await tx.bots.save(after)
                tx.announce(Topic.FEED)
                await tx.attempted(AuditSubject.bot())

    async def _check(
        self, account: AccountEntry, assignments: Sequence[Assignment]
    ) -> Refusal | None:
        refusal = _check_list(assignments)
        if refusal is not None:
            return refusal
        try:
            markets, timeframes, balances = await asyncio.gather(
                account.gateway.markets(), account.gateway.timeframes(), account.gateway.balances()
            )
        except ExchangeError as error:
            return Refusal(
                code=RefusalCode.EXCHANGE_UNAVAILABLE, message=str(error), retryable=True
            )
        for place, assignment in enumerate(assignments):
            refusal = (
                await self._strategies.check_parameters(assignment.strategy, assignment.parameters)
                or _check_symbol(assignment, markets)
                or examine_timeframe(assignment.timeframe, timeframes)
                or _check_allocation(assignment)
            )
            if refusal is not None:
                path = ("assignments", str(place), *(refusal.field or ()))
                return replace(refusal, field=path)
        cash = {asset: money.add(held.free, held.used) for asset, held in balances.items()}
        async with self._database.snapshot() as view:
            holdings = await view.bots.holdings(account.name)
        for _, position in holdings:
            quote = position.key.symbol.partition("/")[2]
            cash[quote] = money.add(cash.get(quote, money.ZERO), position.holding.basis)
        return _check_cash(assignments, markets, cash)


def _started(bot: Bot, plan: BotPlan, clock: Clock) -> Bot:
    assignments = bot.assignments if plan.assignments is None else plan.assignments
    if not assignments:
        deny(invalid("assignments", "the bot has nothing to do: give it assignments"))
    name = plan.account.name if plan.is_account_given or bot.account is None else bot.account
    seconds = bot.cycle_seconds if plan.cycle_seconds is None else plan.cycle_seconds
    planned = replace(bot, account=name, assignments=assignments, cycle_seconds=seconds)
    if bot.state in _UNDER_WAY and bot.desired is BotState.RUNNING:
        if planned != bot:
            deny(_state("it is running: pause or stop it before you change its plan"))
        return bot
    if bot.state is BotState.STOPPING:
        deny(_state("it is stopping: start it once it has stopped"))
    if bot.state in _UNDER_WAY:
        # It was asked to pause and has not paused yet.
        return replace(planned, desired=BotState.RUNNING) if planned == bot else _deny_not_yet()
    fresh = replace(
        planned.moved(BotState.STARTING),
        desired=BotState.RUNNING,
        consecutive_failures=0,
        last_error=None,
        stop_wish=StopOptions(),
    )
    if bot.state is BotState.PAUSED:
        return fresh
    return replace(fresh, started_at=clock.now(), stopped_at=None)


def _paused(bot: Bot) -> Bot:
    match bot.state:
        case BotState.STARTING | BotState.RUNNING | BotState.PAUSED:
            return replace(bot, desired=BotState.PAUSED)
        case _:
            raise Denied(_state(f"it is {bot.state} and cannot be paused"))


def _resumed(bot: Bot) -> Bot:
    match bot.state:
        case BotState.STARTING | BotState.RUNNING | BotState.PAUSED:
            return replace(bot, desired=BotState.RUNNING)
        case _:
            raise Denied(_state(f"it is {bot.state}: startBot starts it"))


def _stopped(bot: Bot, wish: StopOptions) -> Bot:
    """Stop the bot; earlier stop options that are not carried out yet stay in force."""
    if bot.state is BotState.STOPPED and wish == StopOptions():
        return replace(bot, desired=BotState.STOPPED)
    merged = StopOptions(
        cancel_open_orders=wish.cancel_open_orders or bot.stop_wish.cancel_open_orders,
        close_positions=wish.close_positions or bot.stop_wish.close_positions,
    )
    asked = replace(bot, desired=BotState.STOPPED, stop_wish=merged)
    if bot.state in {BotState.STOPPED, BotState.FAILED}:
        return asked
    return asked.moved(BotState.STOPPING)


def _deny_not_yet() -> Bot:
    raise Denied(_state("it is about to pause: change its plan once it has paused"))


def _check_list(assignments: Sequence[Assignment]) -> Refusal | None:
    if not assignments:
        return invalid("assignments", "the bot has nothing to do: give it an assignment at least")
    if len(assignments) > domain.MOST_ASSIGNMENTS:
        words = f"the bot takes {domain.MOST_ASSIGNMENTS} assignments at most"
        return invalid("assignments", words)
    names = [(assignment.strategy, assignment.symbol) for assignment in assignments]
    for place, name in enumerate(names):
        if name in names[:place]:
            words = "this strategy has been assigned to this symbol already"
            return replace(invalid("", words), field=("assignments", str(place)))
    return None


def _check_symbol(assignment: Assignment, markets: Mapping[str, Market]) -> Refusal | None:
    market = markets.get(assignment.symbol)
    if market is None:
        return unknown_symbol(assignment.symbol, markets)
    if market.type is not PositionType.SPOT:
        return invalid("symbol", "the bot trades spot markets")
    return None


def _check_allocation(assignment: Assignment) -> Refusal | None:
    if assignment.allocation > money.ZERO:
        return None
    return invalid("allocation", "an allocation is more than nothing")


def _check_cash(
    assignments: Sequence[Assignment], markets: Mapping[str, Market], cash: Mapping[str, Decimal]
) -> Refusal | None:
    """Refuse allocations above the cash in a quote currency plus what strategies hold already."""
    given: dict[str, Decimal] = {}
    for place, assignment in enumerate(assignments):
        quote = markets[assignment.symbol].quote
        given[quote] = money.add(given.get(quote, money.ZERO), assignment.allocation)
        available = cash.get(quote, money.ZERO)
        if given[quote] > available:
            return Refusal(
                code=RefusalCode.INSUFFICIENT_FUNDS,
                message=f"the allocations come to {money.plain(given[quote])} {quote} with this"
                f" one, and there are {money.plain(available)} {quote}",
                field=("assignments", str(place), "allocation"),
            )
    return None


def _check_seconds(seconds: int) -> Refusal | None:
    if 1 <= seconds <= domain.MOST_CYCLE_SECONDS:
        return None
    return invalid("cycleSeconds", f"cycleSeconds takes 1 to {domain.MOST_CYCLE_SECONDS}")


def _state(why: str) -> Refusal:
    return Refusal(
        code=RefusalCode.INVALID_STATE, message=f"the bot cannot do this: {why}", retryable=True
    )
