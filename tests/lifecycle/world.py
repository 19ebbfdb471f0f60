"""A process of ours over a database file: it can die, and another takes its place."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from app.bus import Bus
from app.domain.accounts import AccountMode
from app.domain.fills import Fill
from app.domain.order_kinds import PositionType
from app.domain.orders.amendments import AskedAmendment
from app.domain.orders.events import LoggedEvent
from app.domain.orders.filters import OrderFilter
from app.domain.orders.order import Order
from app.domain.portfolio.positions import Holding, Position, PositionKey, booked
from app.runtime.order_room import assemble_orders
from app.services.accounts import AccountEntry, AccountService
from app.services.markets.market_data import MarketDataService
from app.services.markets.order_prices import OrderPrices
from app.services.markets.stream_registry import StreamRegistry
from app.services.metrics import Metrics
from app.services.orders.balance_cache import BalanceCache
from app.services.orders.comparing.settling import SyncTimes
from app.services.orders.comparing.sync import OrderSync
from app.services.orders.exchange_facts import ExchangeFacts
from app.services.orders.gate import OrderGate
from app.services.orders.ledger import IdMakers, OrderLedger
from app.services.orders.rules import OrderRules
from app.services.orders.service import OrderService
from app.services.orders.update_log import OrderLog
from app.storage.database import Database
from tests.conftest import START
from tests.lifecycle.exchange import SYMBOL, KnownExchange
from tests.support.clock import ManualClock

ACCOUNT = "paper"
ANSWER_SECONDS = 10.0
NOT_FOUND_SECONDS = 15.0
_NUMBERS = count(1)
_EVERYTHING = OrderFilter(accounts=frozenset({ACCOUNT}))


@dataclass(kw_only=True)
class Process:
    """The services that take part in the life of an order."""

    database: Database
    accounts: AccountService
    orders: OrderService
    sync: OrderSync
    ledger: OrderLedger
    log: OrderLog

    async def order(self, order_id: str) -> tuple[Order, list[Fill]]:
        async with self.database.snapshot() as view:
            order = await view.orders.find(order_id)
            assert order is not None
            return order, await view.fills.of_order(order_id)

    async def position(self) -> tuple[Holding, Holding]:
        """As it was kept, and as all fills together make it."""
        key = PositionKey(account=ACCOUNT, symbol=SYMBOL, type=PositionType.SPOT)
        async with self.database.snapshot() as view:
            kept = await view.positions.find(key)
            fills = await view.positions.fills(key, after=None, limit=100_000)
        blank = Position(key=key, updated_at=START)
        return (kept or blank).holding, booked(blank, fills).position.holding

    async def asked(self) -> list[AskedAmendment]:
        async with self.database.snapshot() as view:
            return await view.amendments.waiting(ACCOUNT)

    async def all_orders(self) -> list[Order]:
        async with self.database.snapshot() as view:
            return await view.orders.matching(_EVERYTHING)


async def open_process(
    path: Path, clock: ManualClock, exchange: KnownExchange, gate: type[OrderGate] = OrderGate
) -> Process:
    """Start as the product does: recover before anything else."""
    bus = Bus()
    database = Database(f"sqlite+aiosqlite:///{path}", bus)
    entry = AccountEntry(
        name=ACCOUNT,
        exchange="known",
        mode=AccountMode.PAPER,
        max_open_orders=None,
        answer_seconds=ANSWER_SECONDS,
        gateway=exchange,
    )
    accounts = AccountService(database, clock, [entry])
    ids = IdMakers(new=lambda: f"{next(_NUMBERS):026d}", new_wire=lambda: f"w{next(_NUMBERS):017d}")
    ledger = OrderLedger(database, clock, ids)
    rules = OrderRules(accounts, clock, lambda _: None)
    funds = BalanceCache(ledger, clock)
    prices = OrderPrices(MarketDataService(StreamRegistry([exchange], clock), clock))
    facts = ExchangeFacts(accounts, funds, prices, clock)
    room = assemble_orders(
        database=database,
        bus=bus,
        accounts=accounts,
        gate=gate(database, facts, funds, rules, clock),
        ledger=ledger,
        clock=clock,
        ids=ids,
        metrics=Metrics(),
    )
    times = SyncTimes(interval_seconds=15, not_found_seconds=NOT_FOUND_SECONDS)
    process = Process(
        database=database,
        accounts=accounts,
        orders=room.orders,
        sync=room.sync(entry, times),
        ledger=ledger,
        log=OrderLog(database, bus, clock),
    )
    await accounts.register()
    await process.log.open()
    await process.sync.recover(is_alone=True)
    return process


class Follower:
    """A subscriber that loses its connection now and then and goes on behind its last cursor."""

    def __init__(self) -> None:
        self.seen: list[LoggedEvent] = []
        self._updates: AsyncGenerator[LoggedEvent, None] | None = None

    async def read(self, process: Process) -> list[LoggedEvent]:
        """Whatever is new; the head is read first, so that nothing is waited for."""
        async with process.database.snapshot() as view:
            head = (await view.events.state()).head.seq
        new: list[LoggedEvent] = []
        if head == (self.seen[-1].position.seq if self.seen else 0):
            return new
        updates = self._updates or await self._resume(process)
        async for logged in updates:
            new.append(logged)
            if logged.position.seq >= head:
                break
        self.seen.extend(new)
        return new

    async def disconnect(self) -> None:
        if self._updates is not None:
            await self._updates.aclose()
            self._updates = None

    async def _resume(self, process: Process) -> AsyncGenerator[LoggedEvent, None]:
        after = 0
        if self.seen:
            after = await process.log.resume(self.seen[-1].position.encode())
        self._updates = process.log.follow(after, _EVERYTHING)
        return self._updates
