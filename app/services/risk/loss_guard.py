"""The loss guard: watches losses and sets an account REDUCING when a loss limit is reached."""

from contextlib import suppress

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
from app.services.portfolio.consistent_views import ConsistentViews
from app.services.portfolio.equity_points import point_of
from app.services.portfolio.portfolios import PortfolioService
from app.services.portfolio.valuation import ValuationRequest
from app.services.reads import View
from app.services.risk.scope import HaltScope, restrict
from app.storage.database import Database

# How often to check: price moves are not announced.
LOOK_SECONDS = 2.0
# How often without loss limits; a change of the limits is announced.
IDLE_SECONDS = 60.0
# The shortest time between two checks, however much is traded.
LEAST_SECONDS = 0.2

_logger = structlog.get_logger(__name__)


class LossGuard:
    """Checks each account's loss of the day and its drawdown from the peak against the limits."""

    def __init__(
        self, accounts: AccountService, portfolios: PortfolioService, views: ConsistentViews,
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
        """The losses at the last check; None if no limit concerns losses."""
        return self._latest.get(account)

    async def broken(self, account: str) -> str | None:
        """Which limit the account has reached now, in words."""
        rules = await self._rules()
        if not rules.limits.watches_losses:
            return None
        losses = await self._losses(self._accounts.get(account), rules)
        return None if losses is None else limits.broken(rules.limits, losses)

    async def run(self) -> None:
        with self._bus.listen(Topic.FEED) as listener:
            while True:
                await self._until_due(listener, await self._round())

    async def _round(self) -> float:
        """Check all accounts; returns after how many seconds to check again."""
        is_watching = False
        for account in self._accounts.entries.values():
            try:
                is_watching |= await self.check(account)
            except (ExchangeError, StorageError) as error:
                is_watching = True
                _logger.info("losses.not_known", account=account.name, error=str(error))
        return LOOK_SECONDS if is_watching else IDLE_SECONDS

    async def check(self, account: AccountEntry) -> bool:
        """Restrict the account if it has reached a limit; returns whether there are loss limits."""
        rules = await self._rules()
        if not rules.limits.watches_losses:
            self._latest.pop(account.name, None)
            return False
        losses = await self._losses(account, rules)
        if losses is not None:
            await self._note_losses(account, losses, rules)
        return True

    async def _note_losses(self, account: AccountEntry, losses: Losses, rules: Rules) -> None:
        self._latest[account.name] = losses
        is_active = rules.standing(account.name).state is TradingState.ACTIVE
        if is_active and limits.broken(rules.limits, losses) is not None:
            await self._trip(account.name, losses)

    async def _rules(self) -> Rules:
        async with self._database.snapshot() as view:
            return await view.rules.read()

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

    async def _losses(self, account: AccountEntry, rules: Rules) -> Losses | None:
        """Returns None if a price is missing: the loss is not known then."""
        request = ValuationRequest(account=account)
        async with self._views.open(frozenset({account.name}), [request]) as view:
            return await self._losses_in(view, account, rules)

    async def _losses_in(self, view: View, account: AccountEntry, rules: Rules) -> Losses | None:
        portfolio = await self._portfolios.read(view, account, None)
        if not portfolio.valuation.is_complete:
            return None
        began = rules.window.day(self._clock.now()).began
        base = await view.equity_at(portfolio.records, began)
        point = await point_of(view, portfolio.valuation, self._clock.now())
        daily = money.ZERO if base is None else loss_between(base, point)
        return Losses(daily=daily, drawdown_percent=portfolio.drawdown_percent)

    async def _until_due(self, listener: Listener, seconds: float) -> None:
        await self._clock.sleep(LEAST_SECONDS)
        with suppress(TimeoutError):
            async with self._clock.timeout(seconds - LEAST_SECONDS):
                await listener.wait()
