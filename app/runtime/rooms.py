"""One builder per room: makes the room's services from the foundation and from other rooms."""

import asyncio
from dataclasses import dataclass

from app.runtime.foundation import Foundation
from app.runtime.order_room import Orders
from app.runtime.parts import Parts
from app.services.access.audit import AuditService
from app.services.access.auth import AuthService
from app.services.access.rate_limits import BudgetService, RateLimits
from app.services.bot.candle_closes import CandleCloses
from app.services.bot.cycle import BotCycles
from app.services.bot.decisions import DecisionMaker
from app.services.bot.runner import BotRunner
from app.services.bot.service import BotService
from app.services.bot.strategies import StrategyRunner
from app.services.live.live_queries import LiveQueries
from app.services.markets.candle_history import CandleHistory
from app.services.markets.market_data import MarketDataService
from app.services.markets.stream_registry import StreamRegistry
from app.services.operation.event_loop_lag import EventLoopLag
from app.services.operation.loop_watch import LoopWatch, logging_stops
from app.services.operation.metrics_export import MetricsExport
from app.services.operation.readiness import Readiness
from app.services.orders.update_log import OrderLog
from app.services.portfolio.consistent_views import ConsistentViews
from app.services.portfolio.equity_recorder import EquityRecorder
from app.services.portfolio.fee_valuation import FeeValuer
from app.services.portfolio.holdings import HoldingsCache
from app.services.portfolio.portfolio_feed import PortfolioFeed
from app.services.portfolio.portfolios import PortfolioService
from app.services.portfolio.position_actions import PositionActions
from app.services.portfolio.position_feed import PositionFeed
from app.services.portfolio.positions import PositionService
from app.services.portfolio.valuation import Valuer
from app.services.reads import ViewService
from app.services.risk.clearing import ClearingService
from app.services.risk.dead_man_switch import DeadManSwitch
from app.services.risk.halt import HaltService
from app.services.risk.loss_guard import LossGuard
from app.services.risk.service import RiskService
from app.services.risk.trading_windows import TradingWindowService
from app.settings import Settings
from app.storage.database import Database

COSTLY_DOCUMENTS_AT_ONCE = 2


@dataclass(frozen=True, kw_only=True, slots=True)
class Access:
    auth: AuthService
    audit: AuditService
    budgets: BudgetService
    costly_documents: asyncio.Semaphore


def build_access(base: Foundation) -> Access:
    settings = base.settings
    return Access(
        auth=build_auth(settings, base.database, base.parts),
        audit=AuditService(base.database, base.clock, base.ids.new),
        budgets=BudgetService(
            base.clock,
            RateLimits(
                cost_per_second=settings.cost_per_second,
                orders_per_second=settings.orders_per_second,
                subscriptions_per_second=settings.subscriptions_per_second,
                open_subscriptions=settings.open_subscriptions,
            ),
        ),
        costly_documents=asyncio.Semaphore(COSTLY_DOCUMENTS_AT_ONCE),
    )


def build_auth(settings: Settings, database: Database, parts: Parts) -> AuthService:
    """Also used alone, for the commands that handle tokens."""
    return AuthService(
        database=database,
        clock=parts.clock,
        account_names=tuple(settings.accounts),
        login_throttle=parts.login_throttle,
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Markets:
    streams: StreamRegistry
    data: MarketDataService
    live: LiveQueries


def build_markets(base: Foundation) -> Markets:
    streams = StreamRegistry(list(base.gateways.values()), base.clock, base.metrics)
    return Markets(
        streams=streams,
        data=MarketDataService(streams, base.clock),
        live=LiveQueries(base.bus, streams, base.clock),
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Portfolio:
    views: ViewService
    consistent_views: ConsistentViews
    portfolios: PortfolioService
    portfolio_feed: PortfolioFeed
    positions: PositionService
    position_feed: PositionFeed
    actions: PositionActions
    fees: FeeValuer
    recorders: list[EquityRecorder]


def build_portfolio(base: Foundation, markets: Markets) -> Portfolio:
    database, accounts, clock = base.database, base.accounts, base.clock
    views, valuer = ViewService(database, clock), Valuer(clock)
    consistent = ConsistentViews(
        views, HoldingsCache(database, base.bus, markets.data, valuer, clock)
    )
    portfolios = PortfolioService(valuer, clock)
    positions = PositionService(accounts, clock)
    return Portfolio(
        views=views,
        consistent_views=consistent,
        portfolios=portfolios,
        portfolio_feed=PortfolioFeed(portfolios, consistent, markets.live),
        positions=positions,
        position_feed=PositionFeed(positions, accounts, consistent, markets.live),
        actions=PositionActions(database, accounts, clock),
        fees=FeeValuer(database, accounts, base.bus, clock),
        recorders=[
            EquityRecorder(
                account=account,
                database=database,
                bus=base.bus,
                views=views,
                consistent_views=consistent,
                valuer=valuer,
                clock=clock,
            )
            for account in accounts.entries.values()
        ],
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Risk:
    risk: RiskService
    clearing: ClearingService
    halts: HaltService
    dead_man: DeadManSwitch
    trading_window: TradingWindowService


def build_loss_guard(base: Foundation, portfolio: Portfolio) -> LossGuard:
    """Built before the order services, because their gate asks the loss guard."""
    return LossGuard(
        base.accounts,
        portfolio.portfolios,
        portfolio.consistent_views,
        base.database,
        base.bus,
        base.clock,
    )


def build_risk(
    base: Foundation, markets: Markets, portfolio: Portfolio, orders: Orders, loss_guard: LossGuard
) -> Risk:
    database, accounts, clock = base.database, base.accounts, base.clock
    clearing = ClearingService(
        database=database,
        bus=base.bus,
        orders=orders.orders,
        positions=portfolio.positions,
        actions=portfolio.actions,
        views=portfolio.consistent_views,
        clock=clock,
        new_id=base.ids.new,
    )
    halts = HaltService(database, orders.gate, clearing, clock)
    return Risk(
        risk=RiskService(
            database=database,
            accounts=accounts,
            views=portfolio.consistent_views,
            portfolios=portfolio.portfolios,
            loss_guard=loss_guard,
            live=markets.live,
            clock=clock,
        ),
        clearing=clearing,
        halts=halts,
        dead_man=DeadManSwitch(database, accounts, halts, clearing, base.bus, clock),
        trading_window=TradingWindowService(database, portfolio.views, markets.live, clock),
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Bot:
    strategies: StrategyRunner
    runner: BotRunner
    service: BotService


def build_bot(base: Foundation, markets: Markets, portfolio: Portfolio, orders: Orders) -> Bot:
    database, accounts, clock = base.database, base.accounts, base.clock
    strategies = StrategyRunner(base.settings.strategies_dir, clock)
    decisions = DecisionMaker(
        database=database,
        market_data=markets.data,
        orders=orders.orders,
        strategies=strategies,
        clock=clock,
        new_id=base.ids.new,
    )
    cycles = BotCycles(
        database=database,
        accounts=accounts,
        candles=CandleHistory(database, markets.data, clock),
        strategies=strategies,
        decisions=decisions,
    )
    return Bot(
        strategies=strategies,
        runner=BotRunner(
            database=database,
            accounts=accounts,
            orders=orders.orders,
            cycles=cycles,
            closes=CandleCloses(markets.streams, accounts),
            bus=base.bus,
            clock=clock,
            name=base.ids.new(),
            metrics=base.metrics,
        ),
        service=BotService(
            database=database,
            accounts=accounts,
            strategies=strategies,
            views=portfolio.views,
            live=markets.live,
            bus=base.bus,
            clock=clock,
        ),
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Operation:
    loop_lag: EventLoopLag
    loop_watch: LoopWatch
    readiness: Readiness
    metrics_export: MetricsExport


def build_operation(base: Foundation, markets: Markets, log: OrderLog) -> Operation:
    loop_lag = EventLoopLag(base.metrics, base.parts.seconds)
    readiness = Readiness(base.database, base.accounts, loop_lag, base.clock)
    return Operation(
        loop_lag=loop_lag,
        loop_watch=LoopWatch(logging_stops(base.metrics)),
        readiness=readiness,
        metrics_export=MetricsExport(
            metrics=base.metrics,
            database=base.database,
            accounts=base.accounts,
            readiness=readiness,
            log=log,
            streams=markets.streams,
            live=markets.live,
            clock=base.clock,
        ),
    )
