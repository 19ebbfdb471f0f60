"""Decides for one assignment: asks its strategy about a new candle, and places the order."""

import asyncio
import hashlib
from collections.abc import Callable, Sequence
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
from app.domain.portfolio.positions import Holding
from app.domain.signals import Signal
from app.errors import Denied, Duplicate, ExchangeError, RefusalCode, StrategyFailed
from app.ports import Clock
from app.primitives.lanes import Lanes
from app.services.accounts import AccountEntry
from app.services.bot.strategies import StrategyRunner
from app.services.bot.unsettled import NotSettled, require_settled
from app.services.markets.market_data import MarketDataService
from app.services.orders.service import ORDERS_AT_ONCE, OrderService, Placement
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


class DecisionMaker:
    """Makes decisions, each with its order; orders of several go out side by side."""

    def __init__(
        self,
        *,
        database: Database,
        market_data: MarketDataService,
        orders: OrderService,
        strategies: StrategyRunner,
        clock: Clock,
        new_id: Callable[[], str],
    ) -> None:
        self._database = database
        self._market_data = market_data
        self._orders = orders
        self._strategies = strategies
        self._clock = clock
        self._new_id = new_id
        self._lanes = Lanes(ORDERS_AT_ONCE)

    async def decide(
        self, bot: Bot, account: AccountEntry, assignment: Assignment, candles: Sequence[Candle]
    ) -> None:
        """Decide on the last one of these candles."""
        async with self._database.snapshot() as view:
            held = await view.bots.holding(account.name, assignment.strategy, assignment.symbol)
        question = _Question(
            assignment=assignment,
            candles=candles,
            holding=Holding() if held is None else held.holding,
        )
        # The first decision loads it; in a thread, because that holds the loop up for 0.1 s.
        await asyncio.to_thread(import_module, "numpy")
        await self._act(bot, account, question, await self._advice(question))

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
            await self._place(decision, order, question)

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
            price=question.candles[-1].close,
            held=question.holding.amount,
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

    async def _place(self, decision: Decision, order: SignalOrder, question: _Question) -> None:
        request = OrderRequest(
            account=decision.account,
            client_order_id=_client_order_id(decision),
            symbol=decision.symbol,
            terms=OrderTerms(side=order.side, type=OrderType.MARKET, amount=order.amount),
            source=OrderSource.BOT,
            strategy=question.assignment.strategy,
        )
        ordered = replace(decision, outcome=DecisionOutcome.ORDERED)

        async def store_decision(tx: Transaction, placed: Order) -> None:
            await require_settled(tx, placed, question.holding)
            await tx.bots.decide(replace(ordered, order_id=placed.id))

        try:
            async with self._lanes.turn((decision.account, decision.symbol)):
                await self._orders.place(request, placement=Placement(alongside=store_decision))
        except Duplicate:
            # Another process has decided on this candle already.
            return
        except NotSettled as error:
            await self._write(_held_back(decision, f"{decision.reason}; {error}"))
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
