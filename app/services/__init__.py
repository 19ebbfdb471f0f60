"""The services of the product; each folder below covers one subject."""

import asyncio
from dataclasses import dataclass

from app.primitives.fair_scheduler import FairScheduler
from app.primitives.paced_starts import PacedStarts
from app.services.access.audit import AuditService
from app.services.access.auth import AuthService
from app.services.access.rate_limits import BudgetService
from app.services.accounts import AccountService
from app.services.bot.service import BotService
from app.services.bot.strategies import StrategyRunner
from app.services.markets.market_data import MarketDataService
from app.services.metrics import Metrics
from app.services.operation.metrics_export import MetricsExport
from app.services.operation.readiness import Readiness
from app.services.orders.comparing.reconciler import Reconciler
from app.services.orders.service import OrderService
from app.services.orders.update_log import OrderLog
from app.services.portfolio.consistent_views import ConsistentViews
from app.services.portfolio.portfolio_feed import PortfolioFeed
from app.services.portfolio.portfolios import PortfolioService
from app.services.portfolio.position_actions import PositionActions
from app.services.portfolio.position_feed import PositionFeed
from app.services.portfolio.positions import PositionService
from app.services.reads import ViewService
from app.services.risk.dead_man_switch import DeadManSwitch
from app.services.risk.halt import HaltService
from app.services.risk.service import RiskService
from app.services.risk.trading_windows import TradingWindowService


@dataclass(frozen=True, kw_only=True, slots=True)
class Services:
    """All services that the API and the web pages use."""

    accounts: AccountService
    audit: AuditService
    auth: AuthService
    bot: BotService
    budgets: BudgetService
    dead_man: DeadManSwitch
    halts: HaltService
    log: OrderLog
    # Limits how many costly documents are executed at the same time.
    costly_documents: asyncio.Semaphore
    long_work: FairScheduler
    pacer: FairScheduler
    starts: PacedStarts
    market_data: MarketDataService
    metrics: Metrics
    orders: OrderService
    portfolio_feed: PortfolioFeed
    portfolios: PortfolioService
    positions: PositionService
    position_feed: PositionFeed
    position_actions: PositionActions
    readiness: Readiness
    metrics_export: MetricsExport
    reconciler: Reconciler
    risk: RiskService
    strategies: StrategyRunner
    trading_window: TradingWindowService
    views: ViewService
    consistent_views: ConsistentViews
