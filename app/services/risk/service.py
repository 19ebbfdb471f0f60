"""The risk service: reads, changes and follows limits and trading states."""

from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import Any

from app.bus import Topic
from app.domain import money
from app.domain.access.audit import AuditSubject
from app.domain.checks import invalid
from app.domain.orders.filters import OrderFilter
from app.domain.reasons import REASON, is_reason
from app.domain.risk.clearings import Clearing
from app.domain.risk.limits import (
    Losses,
    RiskLimits,
    TradingState,
    TradingStateRecord,
    check_limits,
)
from app.domain.risk.rules import ALL
from app.errors import Denied, ExchangeError, Refusal, RefusalCode
from app.ports import Clock
from app.services.accounts import AccountEntry, AccountService
from app.services.live import live_queries
from app.services.live.live_queries import LiveQueries, Observation
from app.services.orders.gate import deny
from app.services.portfolio.consistent_views import ConsistentViews
from app.services.portfolio.portfolios import PortfolioService
from app.services.portfolio.valuation import ValuationRequest
from app.services.reads import LIVE, View
from app.services.risk.loss_guard import LossGuard
from app.services.risk.scope import HaltScope, restrict
from app.storage.database import Database, Transaction

# How often figures are read again: price moves are not announced.
LOOK_SECONDS = 2.0


@dataclass(frozen=True, kw_only=True, slots=True)
class RiskState:
    """Limits, trading state and open orders of one account, from the database."""

    account: str
    limits: RiskLimits
    standing: TradingStateRecord
    fires_at: datetime | None
    # What the last halt cancels and closes, and how far it has come.
    clearing: Clearing | None
    open_orders: int
    # Of the open orders whose notional is known.
    open_notional: Decimal


@dataclass(frozen=True, kw_only=True, slots=True)
class RiskFigures:
    """The risk figures that depend on prices."""

    currency: str
    realized_today: Decimal
    drawdown_percent: Decimal


@dataclass(frozen=True, kw_only=True, slots=True)
class WatchedRisk:
    """The state with its figures; they are None until the exchange has answered once."""

    state: RiskState
    figures: RiskFigures | None


class RiskService:
    """Limits and trading states. A token restricted to some accounts changes only theirs."""

    def __init__(
        self,
        *,
        database: Database,
        accounts: AccountService,
        views: ConsistentViews,
        portfolios: PortfolioService,
        loss_guard: LossGuard,
        live: LiveQueries,
        clock: Clock,
    ) -> None:
        self._database = database
        self._accounts = accounts
        self._views = views
        self._portfolios = portfolios
        self._loss_guard = loss_guard
        self._live = live
        self._clock = clock

    async def read(self, view: View, account: str) -> RiskState:
        rules = await view.rules()
        of_account = OrderFilter(accounts=frozenset({account}), open=True)
        notionals = [entry.notional for entry in await view.open_entries(account)]
        return RiskState(
            account=account,
            limits=rules.limits,
            standing=rules.standing(account),
            fires_at=rules.fires_at([account]),
            clearing=rules.clearings.get(account),
            open_orders=await view.count(of_account),
            open_notional=money.total(known for known in notionals if known is not None),
        )

    def losses(self, account: str) -> Losses | None:
        """The losses that are checked against the limits, while there are loss limits."""
        return self._loss_guard.latest(account)

    async def follow(self, account: AccountEntry) -> AsyncGenerator[WatchedRisk, None]:
        """Yield the risk now, and again when limits, states, orders or figures have changed."""
        query = live_queries.LiveQuery(
            key=("risk", account.name), observe=partial(self._observe, account)
        )
        return await self._live.follow(query)

    async def figures(self, view: View, account: AccountEntry) -> RiskFigures:
        """Raises ExchangeError if the exchange has not answered what the account holds."""
        portfolio = await self._portfolios.read(view, account, None)
        return RiskFigures(
            currency=portfolio.currency,
            realized_today=portfolio.realized_today,
            drawdown_percent=portfolio.drawdown_percent,
        )

    async def _observe(
        self, account: AccountEntry, before: WatchedRisk | None
    ) -> Observation[WatchedRisk]:
        """If the exchange is silent, keep the previous figures: the state matters more."""
        names, request = frozenset({account.name}), ValuationRequest(account=account)
        async with self._views.open(names, [request], client=LIVE) as view:
            state = await self.read(view, account.name)
            try:
                figures: RiskFigures | None = await self.figures(view, account)
            except ExchangeError:
                figures = None if before is None else before.figures
        seen = WatchedRisk(state=state, figures=figures)
        return Observation(state=seen, good_for_seconds=LOOK_SECONDS)

    async def configure(self, changes: Mapping[str, Any]) -> None:
        """Change these limits; the others stay as they are."""
        async with self._database.transaction() as tx:
            before = (await tx.rules.lock()).limits
            after = replace(before, **changes)
            deny(check_limits(after))
            if after != before:
                await tx.rules.save_limits(after)
                await _announce(tx, AuditSubject.risk(None))

    async def reduce(self, reason: str, halt_scope: HaltScope) -> None:
        """Allow only reductions from now on; accounts that are HALTED stay HALTED."""
        await self.restrict(TradingState.REDUCING, reason, halt_scope)

    async def restrict(
        self,
        state: TradingState,
        reason: str,
        halt_scope: HaltScope,
    ) -> None:
        """Set a trading state, unless the present one is as severe already."""
        if not is_reason(reason):
            deny(invalid("reason", REASON))
        async with self._database.transaction() as tx:
            standing = TradingStateRecord(state=state, reason=reason, since=self._clock.now())
            if await restrict(tx, halt_scope, standing):
                await _announce(tx, halt_scope.subject)

    async def resume(self, halt_scope: HaltScope) -> None:
        """Set ACTIVE again, unless a loss still breaks its limit."""
        for name in halt_scope.accounts:
            deny(await self._still_broken(name))
        async with self._database.transaction() as tx:
            rules, now = await tx.rules.lock(), self._clock.now()
            if not halt_scope.is_all and rules.standings[ALL].state is not TradingState.ACTIVE:
                raise Denied(_restricted_for_all())
            restricted = [
                name
                for name in {*halt_scope.keys, *halt_scope.accounts}
                if name in rules.standings
                and rules.standings[name].state is not TradingState.ACTIVE
            ]
            for name in restricted:
                await tx.rules.save_standing(name, TradingStateRecord(since=now))
            # Once trading goes on, nothing more is canceled or closed for the halt.
            for name in rules.clearings.keys() & set(halt_scope.accounts):
                await tx.rules.forget_clearing(name)
            if restricted:
                await _announce(tx, halt_scope.subject)

    async def _still_broken(self, account: str) -> Refusal | None:
        words = await self._loss_guard.broken(account)
        if words is None:
            return None
        return Refusal(
            code=RefusalCode.RISK_LIMIT,
            message=f"account {account} still breaks a limit: {words}; raise or lift it first",
            retryable=True,
        )


async def _announce(tx: Transaction, subject: AuditSubject) -> None:
    tx.announce(Topic.FEED)
    await tx.attempted(subject)


def _restricted_for_all() -> Refusal:
    return Refusal(
        code=RefusalCode.INVALID_STATE,
        message="trading was restricted on all accounts: a token that sees all of them can resume",
    )
