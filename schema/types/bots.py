"""The bot: its state, assignments and decisions, and the mutations that control it."""

from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing
from datetime import datetime
from decimal import Decimal
from typing import Annotated, cast

import strawberry

from app.domain.access.audit import THE_ONE
from app.domain.bot import bot as domain
from app.domain.bot.bot import BotState, DecisionOutcome, StopOptions
from app.domain.checks import invalid
from app.domain.signals import Signal
from app.errors import BadInput, Denied, RefusalCode
from app.errors import Refusal as DomainRefusal
from app.services.accounts import AccountEntry
from app.services.bot.service import BotPlan
from schema import ids
from schema.context import Info
from schema.input_bounds import text
from schema.scalars import JSON
from schema.types.accounts import Account
from schema.types.nodes import Node
from schema.types.orders import Order, Refusal

strawberry.enum(BotState)
strawberry.enum(DecisionOutcome)
strawberry.enum(Signal)

MOST_DECISIONS = 500


@strawberry.type
class StrategyAssignment:
    strategy: str
    symbol: str
    timeframe: str
    parameters: JSON
    allocation: Decimal

    @classmethod
    def of(cls, assignment: domain.Assignment) -> "StrategyAssignment":
        return cls(
            strategy=assignment.strategy,
            symbol=assignment.symbol,
            timeframe=assignment.timeframe,
            parameters=JSON(dict(assignment.parameters)),
            allocation=assignment.allocation,
        )


@strawberry.type
class BotDecision:
    id: strawberry.ID
    at: datetime
    cycle: int
    strategy: str
    symbol: str
    timeframe: str
    candle_at: datetime
    price: Decimal | None
    held: Decimal | None
    signal: Signal
    outcome: DecisionOutcome
    reason: str
    order_id: strawberry.Private[str | None]

    @classmethod
    def of(cls, decision: domain.Decision) -> "BotDecision":
        return cls(
            id=ids.encode(ids.Kind.DECISION, decision.id),
            at=decision.at,
            cycle=decision.cycle,
            strategy=decision.strategy,
            symbol=decision.symbol,
            timeframe=decision.timeframe,
            candle_at=decision.candle_at,
            price=decision.price,
            held=decision.held,
            signal=decision.signal,
            outcome=decision.outcome,
            reason=decision.reason,
            order_id=decision.order_id,
        )

    @strawberry.field
    async def order(self, info: Info) -> Order | None:
        if self.order_id is None:
            return None
        async with info.context.view(info) as view:
            order = await view.order(self.order_id)
        return None if order is None else Order.of(order)


@strawberry.type
class Bot(Node):
    id: strawberry.ID
    state: BotState
    desired_state: BotState
    assignments: list[StrategyAssignment]
    cycle_seconds: int
    started_at: datetime | None
    stopped_at: datetime | None
    cycles: int
    last_cycle_at: datetime | None
    last_cycle_milliseconds: int | None
    consecutive_failures: int
    last_error: str | None
    name: strawberry.Private[str | None]

    @classmethod
    def of(cls, bot: domain.Bot) -> "Bot":
        return cls(
            id=ids.encode(ids.Kind.BOT, THE_ONE),
            state=bot.state,
            desired_state=bot.desired,
            assignments=[StrategyAssignment.of(assignment) for assignment in bot.assignments],
            cycle_seconds=bot.cycle_seconds,
            started_at=bot.started_at,
            stopped_at=bot.stopped_at,
            cycles=bot.cycles,
            last_cycle_at=bot.last_cycle_at,
            last_cycle_milliseconds=bot.last_cycle_milliseconds,
            consecutive_failures=bot.consecutive_failures,
            last_error=bot.last_error,
            name=bot.account,
        )

    @strawberry.field
    def account(self, info: Info) -> Account:
        context = info.context
        accounts = context.services.accounts
        known = None if self.name is None else accounts.find(self.name, context.viewer)
        entry = known or accounts.first(context.viewer)
        return Account.named(entry.name, context)

    @strawberry.field
    async def recent_decisions(self, info: Info, first: int | None = 20) -> list[BotDecision]:
        count = 20 if first is None else first
        if not 1 <= count <= MOST_DECISIONS:
            raise BadInput(f"first must be 1 to {MOST_DECISIONS}", field=("first",))
        async with info.context.view(info) as view:
            return [BotDecision.of(decision) for decision in await view.decisions(count)]


@strawberry.input
class StrategyAssignmentInput:
    strategy: str
    symbol: str
    timeframe: str | None = "1m"
    parameters: JSON | None = None
    allocation: Decimal

    def to_domain(self, place: int) -> domain.Assignment:
        path = ("assignments", str(place))
        given: object = {} if self.parameters is None else self.parameters
        if not isinstance(given, Mapping):
            refusal = invalid("parameters", "parameters must be an object")
            raise Denied(refusal)
        return domain.Assignment(
            strategy=text(self.strategy, field=(*path, "strategy")),
            symbol=text(self.symbol, field=(*path, "symbol")),
            timeframe=text(self.timeframe or "1m", field=(*path, "timeframe")),
            parameters=cast("Mapping[str, object]", given),
            allocation=self.allocation,
        )


@strawberry.input
class StartBotInput:
    account: str | None = None
    assignments: list[StrategyAssignmentInput] | None = None
    cycle_seconds: int | None = None


@strawberry.input
class StopBotInput:
    cancel_open_orders: bool | None = False
    close_positions: bool | None = False

    def to_domain(self) -> StopOptions:
        return StopOptions(
            cancel_open_orders=bool(self.cancel_open_orders),
            close_positions=bool(self.close_positions),
        )


@strawberry.type
class BotSuccess:
    bot: Bot


BotResult = Annotated[BotSuccess | Refusal, strawberry.union("BotResult")]


async def read_bot(info: Info) -> Bot:
    async with info.context.view(info) as view:
        return Bot.of(await info.context.services.bot.read(view))


async def find_bot(info: Info, key: str) -> Bot | None:
    return await read_bot(info) if key == THE_ONE else None


async def start_bot(info: Info, input: StartBotInput | None) -> BotSuccess:
    await _require_visible(info)
    context = info.context
    given = input or StartBotInput()
    plan = BotPlan(
        account=context.account(given.account)
        if given.account is not None
        else await _previous_account(info),
        assignments=None
        if given.assignments is None
        else tuple(
            assignment.to_domain(place) for place, assignment in enumerate(given.assignments)
        ),
        cycle_seconds=given.cycle_seconds,
        is_account_given=given.account is not None,
    )
    await context.services.bot.start(plan)
    return BotSuccess(bot=await read_bot(info))


async def _previous_account(info: Info) -> AccountEntry:
    """The account that the bot traded on last, else the viewer's default."""
    context = info.context
    accounts = context.services.accounts
    async with context.view(info) as view:
        name = (await context.services.bot.read(view)).account
    known = None if name is None else accounts.find(name, context.viewer)
    return known or context.account(None)


async def _require_visible(info: Info) -> None:
    """Deny control of a bot that trades on an account which the token may not use."""
    context = info.context
    async with context.view(info) as view:
        name = (await context.services.bot.read(view)).account
    if name is not None and context.services.accounts.find(name, context.viewer) is None:
        raise Denied(_other_account())


def _other_account() -> DomainRefusal:
    return DomainRefusal(
        code=RefusalCode.INVALID_STATE,
        message="the bot trades on an account that this token may not use",
    )


async def pause_bot(info: Info) -> BotSuccess:
    await _require_visible(info)
    await info.context.services.bot.pause()
    return BotSuccess(bot=await read_bot(info))


async def resume_bot(info: Info) -> BotSuccess:
    await _require_visible(info)
    await info.context.services.bot.resume()
    return BotSuccess(bot=await read_bot(info))


async def stop_bot(info: Info, input: StopBotInput | None) -> BotSuccess:
    wish = (input or StopBotInput()).to_domain()
    await _require_visible(info)
    await info.context.services.bot.stop(wish)
    return BotSuccess(bot=await read_bot(info))


async def watch_bot(info: Info) -> AsyncIterator[Bot]:
    return _bots(await info.context.services.bot.follow())


async def watch_decisions(info: Info) -> AsyncIterator[BotDecision]:
    context = info.context
    return _decisions(await context.services.bot.decisions(context.accounts))


async def _bots(states: AsyncGenerator[domain.Bot, None]) -> AsyncGenerator[Bot, None]:
    async with aclosing(states):
        async for state in states:
            yield Bot.of(state)


async def _decisions(
    decisions: AsyncGenerator[domain.Decision, None],
) -> AsyncGenerator[BotDecision, None]:
    async with aclosing(decisions):
        async for decision in decisions:
            yield BotDecision.of(decision)
