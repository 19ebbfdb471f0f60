"""The room of orders: its services are built together, around one gate and one ledger."""

from dataclasses import dataclass

from app.bus import Bus
from app.ports import Clock
from app.runtime.foundation import Foundation
from app.services.accounts import AccountEntry, AccountService
from app.services.markets.market_data import MarketDataService
from app.services.markets.order_prices import OrderPrices
from app.services.metrics import Metrics
from app.services.orders.amendments import AmendmentService
from app.services.orders.balance_cache import BalanceCache
from app.services.orders.comparing.settling import SyncTimes
from app.services.orders.comparing.sync import OrderSync
from app.services.orders.dispatch import OrderDispatcher
from app.services.orders.exchange_facts import ExchangeFacts
from app.services.orders.gate import OrderGate
from app.services.orders.in_flight import OrdersInFlight
from app.services.orders.ledger import IdMakers, OrderLedger
from app.services.orders.rules import OrderRules
from app.services.orders.service import OrderService
from app.services.risk.loss_guard import LossGuard
from app.storage.database import Database


@dataclass(frozen=True, kw_only=True, slots=True)
class Orders:
    database: Database
    bus: Bus
    accounts: AccountService
    gate: OrderGate
    ledger: OrderLedger
    amendments: AmendmentService
    orders: OrderService
    in_flight: OrdersInFlight
    clock: Clock
    metrics: Metrics

    def sync(self, account: AccountEntry, times: SyncTimes) -> OrderSync:
        return OrderSync(
            account,
            times=times,
            database=self.database,
            bus=self.bus,
            accounts=self.accounts,
            orders=self.orders,
            amendments=self.amendments,
            ledger=self.ledger,
            in_flight=self.in_flight,
            clock=self.clock,
            metrics=self.metrics,
        )


def build_orders(base: Foundation, market_data: MarketDataService, loss_guard: LossGuard) -> Orders:
    ledger = OrderLedger(base.database, base.clock, base.ids)
    rules = OrderRules(base.accounts, base.clock, loss_guard.latest)
    funds = BalanceCache(ledger, base.clock)
    facts = ExchangeFacts(base.accounts, funds, OrderPrices(market_data), base.clock)
    return assemble_orders(
        database=base.database,
        bus=base.bus,
        accounts=base.accounts,
        gate=OrderGate(base.database, facts, funds, rules, base.clock),
        ledger=ledger,
        clock=base.clock,
        ids=base.ids,
        metrics=base.metrics,
    )


def assemble_orders(
    *,
    database: Database,
    bus: Bus,
    accounts: AccountService,
    gate: OrderGate,
    ledger: OrderLedger,
    clock: Clock,
    ids: IdMakers,
    metrics: Metrics,
) -> Orders:
    """Build the order services from a gate and a ledger, which a test may replace."""
    in_flight = OrdersInFlight(clock)
    dispatcher = OrderDispatcher(accounts, ledger, in_flight, clock)
    amendments = AmendmentService(
        database=database,
        gate=gate,
        ledger=ledger,
        dispatcher=dispatcher,
        in_flight=in_flight,
        clock=clock,
        ids=ids,
    )
    orders = OrderService(
        database=database,
        bus=bus,
        accounts=accounts,
        gate=gate,
        ledger=ledger,
        dispatcher=dispatcher,
        in_flight=in_flight,
        amendments=amendments,
        clock=clock,
        ids=ids,
        metrics=metrics,
    )
    return Orders(
        database=database,
        bus=bus,
        accounts=accounts,
        gate=gate,
        ledger=ledger,
        amendments=amendments,
        orders=orders,
        in_flight=in_flight,
        clock=clock,
        metrics=metrics,
    )
