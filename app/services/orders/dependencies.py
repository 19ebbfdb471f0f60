"""What whoever changes orders works with."""

from dataclasses import dataclass, field

from app.bus import Bus
from app.ports import Clock
from app.services.accounts import AccountService
from app.services.metrics import Metrics
from app.services.orders.dispatch import OrderDispatcher
from app.services.orders.gate import OrderGate
from app.services.orders.ledger import IdMakers, OrderLedger
from app.storage.database import Database


@dataclass(frozen=True, kw_only=True, slots=True)
class OrderTools:
    """One set for a process."""

    database: Database
    bus: Bus
    accounts: AccountService
    gate: OrderGate
    ledger: OrderLedger
    dispatcher: OrderDispatcher
    clock: Clock
    ids: IdMakers
    metrics: Metrics = field(default_factory=Metrics)
