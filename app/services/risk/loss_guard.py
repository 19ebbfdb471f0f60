"""Watches what accounts lose, and sets those REDUCING by itself that have lost too much."""

from contextlib import AbstractAsyncContextManager, suppress

import structlog

from app.bus import Bus, Listener, Topic
from app.domain import money
from app.domain.portfolio.equity_curves import loss_between
from app.domain.risk import limits
from app.domain.risk.limits import Losses, TradingState, TradingStateRecord
from app.domain.risk.rules import Rules
from app.errors import ExchangeError, StorageError
from app.ports import Clock
from app.services.accounts import AccountEntry, AccountService
from app.services.portfolio.equity_points import point_of
from app.services.portfolio.portfolios import PortfolioService
from app.services.reads import View, ViewService
from app.services.risk.scope import HaltScope, restrict
from app.storage.database import Database

# Prices move without anybody ringing.
LOOK_SECONDS = 2.0
# Where nothing is limited; a change of the limits rings.
IDLE_SECONDS = 60.0
# However much is traded.
LEAST_SECONDS = 0.2

_logger = structlog.get_logger(__name__)


class LossGuard:
    """What was lost since the day began, and from the highest that there was."""

    def __init__(
        self, accounts: AccountService, portfolios: PortfolioService, views: ViewService,
        database: Database, bus: Bus, clock: Clock,
    ) -> None:  # fmt: skip
        self._accounts = accounts
        self._portfolios = portfolios
        self._views = views
        self._database = database
        self._bus = bus
        self._clock = clock
        self._latest: dict[str, Losses] = {}

    def latest(self, account: str) -> Losses | None:
        """As they were a moment ago, while there is a limit to hold them against."""
        return self._latest.get(account)

    async def broken(self, account: str) -> str | None:
        """Which limit they have reached now, in words."""
        async with self._view(account) as view:
            rules = await view.rules()
            if not rules.limits.watches_losses:
                return None
            losses = await self._look(view, self._accounts.get(account), rules)
        return None if losses is None else limits.broken(rules.limits, losses)

    async def run(self) -> None:
        with self._bus.listen(Topic.FEED) as trigger:
            while True:
                await self._until_due(trigger, await self._round())

    async def _round(self) -> float:
        """How soon to look again."""
        is_watching = False
        for account in self._accounts.entries.values():
            try:
                is_watching |= await self.check(account)
            except (ExchangeError, StorageError) as error:
                is_watching = True
                _logger.info("losses.not_known", account=account.name, error=str(error))
        return LOOK_SECONDS if is_watching else IDLE_SECONDS

    async def check(self, account: AccountEntry) -> bool:
        """Restrict it where a limit is reached; whether there is one to be watched."""
        async with self._view(account.name) as view:
            rules = await view.rules()
            if not rules.limits.watches_losses:
                self._latest.pop(account.name, None)
                return False
            losses = await self._look(view, account, rules)
        if losses is not None:
            await self._hold(account, losses, rules)
        return True

    async def _hold(self, account: AccountEntry, losses: Losses, rules: Rules) -> None:
        self._latest[account.name] = losses
        is_active = rules.standing(account.name).state is TradingState.ACTIVE
        if is_active and limits.broken(rules.limits, losses) is not None:
            await self._trip(account.name, losses)

    def _view(self, account: str) -> AbstractAsyncContextManager[View]:
        return self._views.open(frozenset({account}))

    async def _trip(self, account: str, losses: Losses) -> None:
        async with self._database.transaction() as tx:
            words = limits.broken((await tx.rules.lock()).limits, losses)
            if words is None:
                return
            now = self._clock.now()
            standing = TradingStateRecord(state=TradingState.REDUCING, reason=words, since=now)
            if await restrict(tx, HaltScope.of([account]), standing):
                tx.announce(Topic.FEED)
                _logger.warning("risk.tripped", account=account, reason=words)

    async def _look(self, view: View, account: AccountEntry, rules: Rules) -> Losses | None:
        """None where something has no price: nobody knows then what is lost."""
        portfolio = await self._portfolios.read(view, account, None)
        if not portfolio.valuation.is_complete:
            return None
        began = rules.window.day(self._clock.now()).began
        base = await view.equity_at(portfolio.records, began)
        point = await point_of(view, portfolio.valuation, self._clock.now())
        daily = money.ZERO if base is None else loss_between(base, point)
        return Losses(daily=daily, drawdown_percent=portfolio.drawdown_percent)

    async def _until_due(self, trigger: Listener, seconds: float) -> None:
        await self._clock.sleep(LEAST_SECONDS)
        with suppress(TimeoutError):
            async with self._clock.timeout(seconds - LEAST_SECONDS):
                await trigger.wait()
