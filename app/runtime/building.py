"""Builds all services, room by room in dependency order, and lists the background loops."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from datetime import timedelta

import structlog

from app.bus import Bus
from app.primitives.fair_scheduler import long_work, pacer
from app.primitives.paced_starts import PacedStarts
from app.runtime import rooms
from app.runtime.foundation import build_foundation
from app.runtime.order_room import build_orders
from app.runtime.parts import Parts
from app.services import Services
from app.services.metrics import Metrics
from app.services.orders import position_bookkeeping
from app.services.orders.comparing.reconciler import Reconciler
from app.services.orders.update_log import OrderLog
from app.settings import Settings
from app.storage.database import Database

RESTART_SECONDS = 1.0
# How often a process looks whether the others of its database still see it.
PRESENCE_SECONDS = 2.0

_logger = structlog.get_logger(__name__)


class Build:
    """All services and loops, built but not running yet."""

    def __init__(
        self, settings: Settings, parts: Parts, database: Database, bus: Bus, metrics: Metrics
    ) -> None:
        database.tell_commits(metrics.count_events)
        self._base = base = build_foundation(settings, parts, database, bus, metrics)
        self._log = OrderLog(database, bus, base.clock)
        self._access = rooms.build_access(base)
        self._markets = rooms.build_markets(base)
        self._portfolio = rooms.build_portfolio(base, self._markets)
        self._loss_guard = rooms.build_loss_guard(base, self._portfolio)
        self._orders = build_orders(base, self._markets.data, self._loss_guard)
        self._syncs = {
            name: self._orders.sync(account, base.sync_times[name])
            for name, account in base.accounts.entries.items()
        }
        self._risk = rooms.build_risk(
            base, self._markets, self._portfolio, self._orders, self._loss_guard
        )
        self._bot = rooms.build_bot(base, self._markets, self._portfolio, self._orders)
        self._operation = rooms.build_operation(base, self._markets, self._log)
        self.services = self._services()

    def _services(self) -> Services:
        """The services that the schema may use."""
        return Services(
            accounts=self._base.accounts,
            halts=self._risk.halts,
            dead_man=self._risk.dead_man,
            audit=self._access.audit,
            auth=self._access.auth,
            bot=self._bot.service,
            budgets=self._access.budgets,
            costly_documents=self._access.costly_documents,
            log=self._log,
            long_work=long_work(),
            pacer=pacer(),
            starts=PacedStarts(),
            market_data=self._markets.data,
            metrics=self._base.metrics,
            orders=self._orders.orders,
            portfolio_feed=self._portfolio.portfolio_feed,
            portfolios=self._portfolio.portfolios,
            positions=self._portfolio.positions,
            position_feed=self._portfolio.position_feed,
            position_actions=self._portfolio.actions,
            readiness=self._operation.readiness,
            metrics_export=self._operation.metrics_export,
            reconciler=Reconciler(self._syncs),
            risk=self._risk.risk,
            trading_window=self._risk.trading_window,
            strategies=self._bot.strategies,
            views=self._portfolio.views,
            consistent_views=self._portfolio.consistent_views,
        )

    async def prepare(self) -> None:
        """Prepare for the first request: ADMIN token, accounts, recovery, due switches."""
        settings = self._base.settings
        await self._access.auth.ensure_admin(settings.data_dir, settings.admin_token)
        await self._base.accounts.register()
        await self._log.open()
        await position_bookkeeping.catch_up(self._base.database)
        is_alone = await self._base.database.presence.enter()
        for sync in self._syncs.values():
            await sync.recover(is_alone=is_alone)
        await self._base.database.presence.let_in()
        await self._risk.dead_man.fire_due()
        await self._risk.clearing.cancel_at_start()

    async def _stay_seen(self) -> None:
        """Be seen by the other processes again soon after a connection was lost."""
        while True:
            await self._base.clock.sleep(PRESENCE_SECONDS)
            await self._base.database.presence.check()

    def loops(self) -> list[Coroutine[None, None, None]]:
        gateways, syncs = self._base.gateways.values(), self._syncs.values()
        recorders = self._portfolio.recorders
        loops = [
            _kept_running("auth", self._access.auth.run),
            _kept_running("log", self._log.run),
            _kept_running("presence", self._stay_seen),
            _kept_running("loop lag", self._operation.loop_lag.run),
            _kept_running("loop watch", self._operation.loop_watch.run),
            _kept_running("readiness", self._operation.readiness.run),
            _kept_running("fees", self._portfolio.fees.run),
            _kept_running("feeds", self._markets.streams.run),
            *(_kept_running("gateway", gateway.run) for gateway in gateways),
            *(_kept_running("news", sync.run_news) for sync in syncs),
            *(_kept_running("settling", sync.settling.run) for sync in syncs),
            *(_kept_running("comparing", sync.run_comparing) for sync in syncs),
            *(_kept_running("equity", recorder.run) for recorder in recorders),
            _kept_running("halts", self._risk.clearing.run),
            _kept_running("dead-man switch", self._risk.dead_man.run),
            _kept_running("losses", self._loss_guard.run),
            _kept_running("strategies", self._bot.strategies.run),
            _kept_running("bot", self._bot.runner.run),
            *(_kept_running("thinning", recorder.run_thinning) for recorder in recorders),
        ]
        refused, kept = self._access.audit.refused, self._base.settings.refusal_retention_days
        loops.append(_kept_running("refused attempts", refused.run))
        loops.append(_kept_running("refusals", lambda: refused.run_pruning(timedelta(days=kept))))
        days = self._base.settings.event_retention_days
        if days is not None:
            retention = timedelta(days=days)
            loops.append(_kept_running("pruning", lambda: self._log.run_pruning(retention)))
        return loops


async def _kept_running(name: str, run: Callable[[], Awaitable[None]]) -> None:
    """Run a loop; if it fails, log that and run it again, which loses nothing."""
    while True:
        try:
            await run()
        except Exception:
            _logger.exception("loop.failed", loop=name)
        await asyncio.sleep(RESTART_SECONDS)
