"""One cycle of the bot: ask strategies about new candles, store their decisions, place orders."""

import asyncio
import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from importlib import import_module
from typing import Any

from app.bus import Topic
from app.domain import money
from app.domain.bot.bot import Assignment, Bot, Decision, DecisionOutcome
from app.domain.bot.signal_orders import SignalOrder, StrategyPosition, wanted
from app.domain.markets.candles import Candle, CandleRequest
from app.domain.order_kinds import OrderSource, OrderType
from app.domain.orders.order import Order
from app.domain.orders.requests import OrderRequest
from app.domain.orders.terms import OrderTerms
from app.domain.portfolio.positions import Holding, Position
from app.domain.signals import Signal
from app.errors import (
    CycleFailed,
    Denied,
    Duplicate,
    ExchangeError,
    RefusalCode,
    StrategyFailed,
)
from app.ports import Clock
from app.services.accounts import AccountEntry, AccountService
from app.services.bot.strategies import StrategyRunner
from app.services.markets.candle_history import CandleHistory
from app.services.markets.market_data import MarketDataService
from app.services.orders.service import OrderService, Placement
from app.storage.database import Database, Transaction
from app.strategies.interface import Advice, Candles, Held

_BY_CODE = {
    RefusalCode.WINDOW_CLOSED: DecisionOutcome.REFUSED_BY_WINDOW,
    RefusalCode.RISK_LIMIT: DecisionOutcome.REFUSED_BY_RISK,
    RefusalCode.TRADING_HALTED: DecisionOutcome.REFUSED_BY_RISK,
}


@dataclass(frozen=True, kw_only=True, slots=True)
class _Question:
    """One assignment, with the candles and the holding that its strategy decides on."""

    assignment: Assignment
    candles: Sequence[Candle]
    holding: Holding

    @property
    def candle_at(self) -> datetime:
        return self.candles[-1].at


class BotCycles:
    """Runs cycles; each closed candle is decided on once per assignment."""

    def __init__(
        self,
        *,
        database: Database,
        accounts: AccountService,
        candles: CandleHistory,
        market_data: MarketDataService,
        orders: OrderService,
        strategies: StrategyRunner,
        clock: Clock,
        new_id: Callable[[], str],
    ) -> None:
        self._database = database
        self._accounts = accounts
        self._candles = candles
        self._market_data = market_data
        self._orders = orders
        self._strategies = strategies
        self._clock = clock
        self._new_id = new_id

    async def run(self, bot: Bot) -> None:
        """Raises CycleFailed if there are no candles for any assignment."""
        account = self._accounts.get(bot.account or "")
        async with self._database.snapshot() as view:
            decided = await view.bots.decided_until(
                account.name, [assignment.name for assignment in bot.assignments]
            )
        asked = await self._ask(account, bot.assignments)
        questions = [question for question in asked if isinstance(question, _Question)]
        if not questions:
            raise _nothing_known(asked)
        due = [question for question in questions if _is_new(question, decided)]
        # The first cycle loads it; in a thread, because that holds the loop up for 0.1 s.
        await asyncio.to_thread(import_module, "numpy")
        advices = await asyncio.gather(*(self._advice(question) for question in due))
        for question, advice in zip(due, advices, strict=True):
            await self._act(bot, account, question, advice)

    async def _ask(
        self, account: AccountEntry, assignments: Sequence[Assignment]
    ) -> Sequence[_Question | BaseException | None]:
        """For each assignment a question, the error that prevented it, or None without a candle."""
        wanted = await asyncio.gather(*(self._wanted(assignment) for assignment in assignments))
        closed = await self._candles.closed(account, wanted)
        async with self._database.snapshot() as view:
            held = [
                await view.bots.holding(account.name, assignment.strategy, assignment.symbol)
                for assignment in assignments
            ]
        return [_question(*parts) for parts in zip(assignments, closed, held, strict=True)]

    async def _wanted(self, assignment: Assignment) -> CandleRequest:
        needed = await self._strategies.candles_needed(assignment.strategy, assignment.parameters)
        return CandleRequest(symbol=assignment.symbol, timeframe=assignment.timeframe, limit=needed)

    async def _advice(self, question: _Question) -> Advice | StrategyFailed:
        assignment = question.assignment
        try:
            return await self._strategies.decide(
                assignment.strategy,
                _to_arrays(question.candles),
                _to_held(question.holding, assignment),
                assignment.parameters,
            )
        except StrategyFailed as failed:
            return failed

    async def _act(
        self, bot: Bot, account: AccountEntry, question: _Question, advice: Advice | StrategyFailed
    ) -> None:
        decision = self._decision(bot, account, question, advice)
        if decision.signal is Signal.HOLD or isinstance(advice, StrategyFailed):
            await self._write(decision)
            return
        if self._is_late(question):
            await self._write(_held_back(decision, "dropped: a newer candle has closed since"))
            return
        order = await self._order(account, question, advice)
        if isinstance(order, str):
            await self._write(_held_back(decision, f"{decision.reason}; {order}"))
        else:
            await self._place(decision, order, question.assignment)

    def _decision(
        self, bot: Bot, account: AccountEntry, question: _Question, advice: Advice | StrategyFailed
    ) -> Decision:
        assignment, is_failed = question.assignment, isinstance(advice, StrategyFailed)
        return Decision(
            id=self._new_id(),
            at=self._clock.now(),
            cycle=bot.cycles + 1,
            account=account.name,
            strategy=assignment.strategy,
            symbol=assignment.symbol,
            timeframe=assignment.timeframe,
            candle_at=question.candle_at,
            signal=Signal.HOLD if isinstance(advice, StrategyFailed) else advice.signal,
            outcome=DecisionOutcome.FAILED if is_failed else DecisionOutcome.HOLD,
            reason=str(advice) if isinstance(advice, StrategyFailed) else advice.reason,
        )

    async def _order(
        self, account: AccountEntry, question: _Question, advice: Advice
    ) -> SignalOrder | str:
        assignment = question.assignment
        try:
            markets = await account.gateway.markets()
            ticker = await self._market_data.ticker(account, assignment.symbol)
        except ExchangeError as error:
            return f"dropped: {error}"
        market = markets.get(assignment.symbol)
        if market is None or ticker is None or ticker.last is None or ticker.is_stale:
            return "dropped: the last price is not known"
        position = StrategyPosition(
            assignment=assignment, market=market, holding=question.holding, last=ticker.last
        )
        return wanted(advice.signal, Decimal(str(advice.part)), position)

    async def _place(self, decision: Decision, order: SignalOrder, assignment: Assignment) -> None:
        request = OrderRequest(
            account=decision.account,
            client_order_id=_client_order_id(decision),
            symbol=decision.symbol,
            terms=OrderTerms(side=order.side, type=OrderType.MARKET, amount=order.amount),
            source=OrderSource.BOT,
            strategy=assignment.strategy,
        )
        ordered = replace(decision, outcome=DecisionOutcome.ORDERED)

        async def store_decision(tx: Transaction, placed: Order) -> None:
            await tx.bots.decide(replace(ordered, order_id=placed.id))

        try:
            await self._orders.place(request, placement=Placement(alongside=store_decision))
        except Duplicate:
            # Another process has decided on this candle already.
            return
        except Denied as denied:
            await self._refused(decision, denied)

    async def _refused(self, decision: Decision, denied: Denied) -> None:
        refusal = denied.refusal
        outcome = _BY_CODE.get(refusal.code, DecisionOutcome.FAILED)
        refused = replace(decision, outcome=outcome, reason=f"{decision.reason}; {refusal.message}")
        if denied.existing_order is None:
            await self._write(refused)
            return
        # The order and the decision were stored before the exchange rejected the order.
        async with self._database.transaction() as tx:
            await tx.bots.conclude(refused)
            tx.announce(Topic.FEED)

    async def _write(self, decision: Decision) -> None:
        try:
            async with self._database.transaction() as tx:
                await tx.bots.decide(decision)
                tx.announce(Topic.FEED)
        except Duplicate:
            return

    def _is_late(self, question: _Question) -> bool:
        asked = CandleRequest(
            symbol=question.assignment.symbol, timeframe=question.assignment.timeframe, limit=1
        )
        return self._clock.now() >= question.candle_at + 2 * asked.span


def _is_new(question: _Question, decided: Mapping[tuple[str, str, str], datetime]) -> bool:
    before = decided.get(question.assignment.name)
    return before is None or question.candle_at > before


def _question(
    assignment: Assignment, candles: Sequence[Candle] | BaseException, held: Position | None
) -> _Question | BaseException | None:
    if isinstance(candles, BaseException):
        return candles
    if not candles:
        return None
    holding = Holding() if held is None else held.holding
    return _Question(assignment=assignment, candles=candles, holding=holding)


def _nothing_known(asked: Sequence[_Question | BaseException | None]) -> CycleFailed:
    error = next((failure for failure in asked if isinstance(failure, BaseException)), None)
    words = "no candle has closed so far" if error is None else str(error) or repr(error)
    failed = CycleFailed(words)
    failed.__cause__ = error
    return failed


def _held_back(decision: Decision, reason: str) -> Decision:
    return replace(decision, outcome=DecisionOutcome.HOLD, reason=reason)


def _client_order_id(decision: Decision) -> str:
    """The same id for the same candle, so that a decision can never place two orders."""
    asked = (
        decision.account, decision.strategy, decision.symbol, decision.timeframe,
        decision.candle_at.isoformat(),
    )  # fmt: skip
    return f"bot-{hashlib.sha256('|'.join(asked).encode()).hexdigest()[:32]}"


def _to_arrays(candles: Sequence[Candle]) -> Candles:
    import numpy as np  # noqa: PLC0415 12 MB that a server whose bot never runs does without

    def numbers(name: str) -> Any:
        return np.array([float(getattr(candle, name)) for candle in candles], dtype=np.float64)

    return Candles(
        at=np.array([int(candle.at.timestamp() * 1000) for candle in candles], dtype=np.int64),
        open=numbers("open"),
        high=numbers("high"),
        low=numbers("low"),
        close=numbers("close"),
        volume=numbers("volume"),
    )


def _to_held(holding: Holding, assignment: Assignment) -> Held:
    entry = holding.entry_price
    return Held(
        amount=float(holding.amount),
        entry_price=None if entry is None else float(entry),
        cost=float(max(holding.basis, money.ZERO)),
        allocation=float(assignment.allocation),
    )
