"""All parts, in the order in which they need each other, and the loops that they live by."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from datetime import timedelta

import structlog

from app.bus import Bus
from app.gateways import Gateways, build_all
from app.runtime.parts import Parts
from app.services import Services
from app.services.access.audit import AuditService
from app.services.access.auth import AuthService
from app.services.access.rate_limits import BudgetService, RateLimits
from app.services.accounts import AccountEntry, AccountService
from app.services.bot.cycle import BotCycles, CycleTools
from app.services.bot.runner import BotRunner, RunnerTools
from app.services.bot.service import BotService, BotTools
from app.services.bot.strategies import StrategyRunner
from app.services.concurrency.long_work import LongWork
from app.services.concurrency.pacing import Pacer
from app.services.ids import AscendingIds, new_wire_id
from app.services.live.live_queries import LiveQueries
from app.services.markets.candle_history import CandleHistory
from app.services.markets.market_data import MarketDataService
from app.services.markets.stream_registry import StreamRegistry
from app.services.metrics import Metrics
from app.services.operation.event_loop_lag import EventLoopLag
from app.services.operation.metrics_export import MetricsExport, ReadingTools
from app.services.operation.readiness import Readiness
from app.services.orders import position_bookkeeping
from app.services.orders.balance_cache import BalanceCache
from app.services.orders.dependencies import OrderTools
from app.services.orders.dispatch import OrderDispatcher
from app.services.orders.gate import OrderGate
from app.services.orders.ledger import IdMakers, OrderLedger
from app.services.orders.reconciler import Reconciler
from app.services.orders.rules import OrderRules
from app.services.orders.service import OrderService
from app.services.orders.sync import OrderSync, SyncTimes
from app.services.orders.update_log import OrderLog
from app.services.portfolio.consistent_views import ConsistentViews
from app.services.portfolio.equity_recorder import EquityRecorder, EquityTools
from app.services.portfolio.fee_valuation import FeeValuer
from app.services.portfolio.portfolio_feed import PortfolioFeed
from app.services.portfolio.portfolios import PortfolioService
from app.services.portfolio.position_actions import PositionActions
from app.services.portfolio.position_feed import PositionFeed
from app.services.portfolio.positions import PositionService
from app.services.portfolio.valuation import Valuer
from app.services.reads import ViewService
from app.services.risk.dead_man_switch import DeadManSwitch
from app.services.risk.halt import HaltService, HaltTools
from app.services.risk.loss_guard import LossGuard
from app.services.risk.service import RiskService, RiskTools
from app.services.risk.trading_windows import TradingWindowService
from app.settings import Settings
from app.storage.database import Database

RESTART_SECONDS = 1.0

_logger = structlog.get_logger(__name__)


class Build:
    """The parts in the order in which they need each other."""

    def __init__(
        self, settings: Settings, parts: Parts, database: Database, bus: Bus, metrics: Metrics
    ) -> None:
        self._settings = settings
        self._database = database
        self._clock = parts.clock
        self._auth = build_auth(settings, database, parts)
        self._gateway_plans = Gateways(settings, database, parts.clock, parts.faults)
        self._gateways = build_all(self._gateway_plans)
        self._accounts = AccountService(database, parts.clock, self._entries())
        ids = IdMakers(new=AscendingIds().new, new_wire=new_wire_id)
        self._log = OrderLog(database, bus, parts.clock)
        database.tell_commits(metrics.hear)
        clock, accounts = parts.clock, self._accounts
        self._streams = StreamRegistry(list(self._gateways.values()), clock, metrics)
        ledger = OrderLedger(database, clock, ids)
        market_data = MarketDataService(self._streams, clock)
        views, valuer = ViewService(database), Valuer(market_data, clock)
        portfolios = PortfolioService(valuer, clock)
        self._loss_guard = LossGuard(accounts, portfolios, views, database, bus, clock)
        rules = OrderRules(accounts, clock, self._loss_guard.latest)
        gate = OrderGate(database, accounts, BalanceCache(ledger, clock), rules, clock)
        tools = OrderTools(
            database=database,
            bus=bus,
            accounts=accounts,
            gate=gate,
            ledger=ledger,
            dispatcher=OrderDispatcher(accounts, ledger, clock),
            clock=clock,
            ids=ids,
            metrics=metrics,
        )
        self._orders = OrderService(tools)
        self._syncs = {
            name: OrderSync(entry, self._orders, tools, self._times(name))
            for name, entry in self._accounts.entries.items()
        }
        steady, live = (
            ConsistentViews(views, valuer, clock),
            LiveQueries(bus, self._streams, clock),
        )
        equity = EquityTools(database=database, bus=bus, views=views, valuer=valuer, clock=clock)
        self._fees = FeeValuer(database, accounts, bus, clock)
        self._recorders = [EquityRecorder(one, equity) for one in accounts.entries.values()]
        positions = PositionService(accounts, valuer, market_data, clock)
        actions = PositionActions(database, accounts, clock)
        halts = HaltService(
            HaltTools(
                database=database,
                accounts=accounts,
                gate=gate,
                orders=self._orders,
                positions=positions,
                actions=actions,
                views=views,
                clock=clock,
            )
        )
        self._dead_man = DeadManSwitch(database, accounts, halts, bus, clock)
        self._strategies = StrategyRunner(settings.strategies_dir, clock)
        cycles = CycleTools(
            database=database,
            accounts=accounts,
            candles=CandleHistory(database, market_data, clock),
            market_data=market_data,
            orders=self._orders,
            strategies=self._strategies,
            clock=clock,
            new_id=ids.new,
        )
        self._bot = BotRunner(
            RunnerTools(
                database=database,
                accounts=accounts,
                orders=self._orders,
                cycles=BotCycles(cycles),
                bus=bus,
                clock=clock,
                name=ids.new(),
                metrics=metrics,
            )
        )
        bot = BotTools(
            database=database,
            accounts=accounts,
            strategies=self._strategies,
            views=views,
            live=live,
            bus=bus,
            clock=clock,
        )
        risks = RiskTools(
            database=database,
            accounts=accounts,
            views=views,
            portfolios=portfolios,
            loss_guard=self._loss_guard,
            live=live,
            clock=clock,
        )
        self._loop_lag = EventLoopLag(metrics, parts.seconds)
        self._readiness = Readiness(database, accounts, self._loop_lag, clock)
        metrics_export = ReadingTools(
            metrics=metrics,
            database=database,
            accounts=accounts,
            readiness=self._readiness,
            log=self._log,
            streams=self._streams,
            live=live,
            clock=clock,
        )
        self.services = Services(
            accounts=self._accounts,
            halts=halts,
            dead_man=self._dead_man,
            audit=AuditService(database, clock, ids.new),
            auth=self._auth,
            bot=BotService(bot),
            budgets=BudgetService(clock, _allowances(settings)),
            log=self._log,
            long_work=LongWork(),
            pacer=Pacer(),
            market_data=market_data,
            metrics=metrics,
            orders=self._orders,
            portfolio_feed=PortfolioFeed(portfolios, steady, live),
            portfolios=portfolios,
            positions=positions,
            position_feed=PositionFeed(positions, accounts, steady, live),
            position_actions=actions,
            readiness=self._readiness,
            metrics_export=MetricsExport(metrics_export),
            reconciler=Reconciler(self._syncs),
            risk=RiskService(risks),
            trading_window=TradingWindowService(database, views, live, clock),
            strategies=self._strategies,
            views=views,
        )

    async def prepare(self) -> None:
        """What must be done before the first request is served."""
        await self._auth.ensure_admin(self._settings.data_dir, self._settings.admin_token)
        await self._accounts.register()
        await self._log.open()
        await position_bookkeeping.catch_up(self._database)
        for sync in self._syncs.values():
            await sync.recover()
        await self._dead_man.fire_due()

    def loops(self) -> list[Coroutine[None, None, None]]:
        loops = [
            _kept_running("auth", self._auth.run),
            _kept_running("log", self._log.run),
            _kept_running("loop watch", self._loop_lag.run),
            _kept_running("readiness", self._readiness.run),
            _kept_running("fees", self._fees.run),
            _kept_running("feeds", self._streams.run),
            *(_kept_running("gateway", gateway.run) for gateway in self._gateways.values()),
            *(_kept_running("news", sync.run_news) for sync in self._syncs.values()),
            *(_kept_running("settling", sync.run_settling) for sync in self._syncs.values()),
            *(_kept_running("comparing", sync.run_comparing) for sync in self._syncs.values()),
            *(_kept_running("equity", recorder.run) for recorder in self._recorders),
            _kept_running("dead-man switch", self._dead_man.run),
            _kept_running("losses", self._loss_guard.run),
            _kept_running("strategies", self._strategies.run),
            _kept_running("bot", self._bot.run),
            *(_kept_running("thinning", recorder.run_thinning) for recorder in self._recorders),
        ]
        days = self._settings.event_retention_days
        if days is not None:
            retention = timedelta(days=days)
            loops.append(_kept_running("pruning", lambda: self._log.run_pruning(retention)))
        return loops

    def _times(self, name: str) -> SyncTimes:
        return SyncTimes(
            interval_seconds=self._settings.reconcile_seconds,
            not_found_seconds=self._gateway_plans.not_found_seconds(name),
        )

    def _entries(self) -> list[AccountEntry]:
        return [
            AccountEntry(
                name=name,
                exchange=account.exchange,
                mode=account.mode,
                max_open_orders=account.max_open_orders,
                answer_seconds=self._gateway_plans.answer_seconds(name),
                gateway=self._gateways[name],
            )
            for name, account in self._settings.accounts.items()
        ]


def _allowances(settings: Settings) -> RateLimits:
    return RateLimits(
        cost_per_second=settings.cost_per_second,
        orders_per_second=settings.orders_per_second,
        subscriptions_per_second=settings.subscriptions_per_second,
        open_subscriptions=settings.open_subscriptions,
    )


def build_auth(settings: Settings, database: Database, parts: Parts) -> AuthService:
    return AuthService(
        database=database,
        clock=parts.clock,
        account_names=tuple(settings.accounts),
        login_throttle=parts.login_throttle,
    )


async def _kept_running(name: str, run: Callable[[], Awaitable[None]]) -> None:
    """A loop that fails says so and goes on: nothing that it does is lost by beginning again."""
    while True:
        try:
            await run()
        except Exception:
            _logger.exception("loop.failed", loop=name)
        await asyncio.sleep(RESTART_SECONDS)
