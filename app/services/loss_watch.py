"""Watches what accounts lose, and sets those REDUCING by itself that have lost too much."""

from contextlib import AbstractAsyncContextManager, suppress

import structlog

from app.bus import Bus, Listener, Topic
from app.domain import money, risks
from app.domain.risks import Losses, Standing, TradingState
from app.domain.rules import Rules
from app.errors import ExchangeError, StorageError
from app.ports import Clock
from app.services.accounts import AccountEntry, AccountService
from app.services.portfolios import PortfolioService
from app.services.reaches import Reach, restrict
from app.services.views import View, ViewService
from app.storage.database import Database

# Prices move without anybody ringing.
LOOK_SECONDS = 2.0
# However much is traded.
LEAST_SECONDS = 0.2

_logger = structlog.get_logger(__name__)


class LossWatch:
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
        return None if losses is None else risks.broken(rules.limits, losses)

    async def run(self) -> None:
        with self._bus.listen(Topic.FEED) as bell:
            while True:
                for account in self._accounts.entries.values():
                    try:
                        await self.check(account)
                    except (ExchangeError, StorageError) as error:
                        name = account.name
                        _logger.info("losses.not_known", account=name, error=str(error))
                await self._until_due(bell)

    async def check(self, account: AccountEntry) -> None:
        """Look at one, and restrict it where a limit is reached."""
        async with self._view(account.name) as view:
            rules = await view.rules()
            if not rules.limits.watches_losses:
                self._latest.pop(account.name, None)
                return
            losses = await self._look(view, account, rules)
        if losses is None:
            return
        self._latest[account.name] = losses
        is_active = rules.standing(account.name).state is TradingState.ACTIVE
        if is_active and risks.broken(rules.limits, losses) is not None:
            await self._trip(account.name, losses)

    def _view(self, account: str) -> AbstractAsyncContextManager[View]:
        return self._views.open(frozenset({account}))

    async def _trip(self, account: str, losses: Losses) -> None:
        async with self._database.transaction() as tx:
            words = risks.broken((await tx.rules.lock()).limits, losses)
            if words is None:
                return
            now = self._clock.now()
            standing = Standing(state=TradingState.REDUCING, reason=words, since=now)
            if await restrict(tx, Reach.of([account]), standing):
                tx.announce(Topic.FEED)
                _logger.warning("risk.tripped", account=account, reason=words)

    async def _look(self, view: View, account: AccountEntry, rules: Rules) -> Losses | None:
        """None where something has no price: nobody knows then what is lost."""
        portfolio = await self._portfolios.read(view, account, None)
        if not portfolio.appraisal.is_complete:
            return None
        began = rules.window.day(self._clock.now()).began
        base = await view.equity_at(portfolio.records, began)
        daily = money.ZERO if base is None else money.subtract(base.equity, portfolio.equity)
        return Losses(daily=daily, drawdown_percent=portfolio.drawdown_percent)

    async def _until_due(self, bell: Listener) -> None:
        await self._clock.sleep(LEAST_SECONDS)
        with suppress(TimeoutError):
            async with self._clock.timeout(LOOK_SECONDS - LEAST_SECONDS):
                await bell.wait()
