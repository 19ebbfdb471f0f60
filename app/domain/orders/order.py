"""Order, its statuses and their transitions."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from app.domain import money
from app.domain.fills import Fee
from app.domain.order_kinds import OrderSource
from app.domain.orders.terms import HasTerms, OrderTerms
from app.errors import Refusal


class OrderStatus(StrEnum):
    """The status of an order."""

    SUBMITTING = "SUBMITTING"
    IN_DOUBT = "IN_DOUBT"
    OPEN = "OPEN"
    PARTIALLY_FILLED = "PARTIALLY_FILLED"
    FILLED = "FILLED"
    CANCELED = "CANCELED"
    EXPIRED = "EXPIRED"
    REJECTED = "REJECTED"

    @property
    def is_open(self) -> bool:
        return self in OPEN_STATUSES

    @property
    def is_answered(self) -> bool:
        return self not in {OrderStatus.SUBMITTING, OrderStatus.IN_DOUBT}


OPEN_STATUSES = frozenset(
    {
        OrderStatus.SUBMITTING,
        OrderStatus.IN_DOUBT,
        OrderStatus.OPEN,
        OrderStatus.PARTIALLY_FILLED,
    }
)

_ANSWERED = frozenset(
    {
        OrderStatus.OPEN,
        OrderStatus.PARTIALLY_FILLED,
        OrderStatus.FILLED,
        OrderStatus.CANCELED,
        OrderStatus.EXPIRED,
    }
)

# Every allowed transition. REJECTED reopens only if the exchange shows that it has the order, and
# an order begins as OPEN only if it is imported.
TRANSITIONS: Mapping[OrderStatus | None, frozenset[OrderStatus]] = MappingProxyType(
    {
        None: frozenset({OrderStatus.SUBMITTING, OrderStatus.OPEN}),
        OrderStatus.SUBMITTING: _ANSWERED | {OrderStatus.REJECTED, OrderStatus.IN_DOUBT},
        OrderStatus.IN_DOUBT: _ANSWERED | {OrderStatus.REJECTED},
        OrderStatus.OPEN: _ANSWERED | {OrderStatus.REJECTED},
        OrderStatus.PARTIALLY_FILLED: _ANSWERED - {OrderStatus.OPEN},
        OrderStatus.FILLED: frozenset({OrderStatus.FILLED}),
        OrderStatus.CANCELED: frozenset({OrderStatus.CANCELED, OrderStatus.FILLED}),
        OrderStatus.EXPIRED: frozenset({OrderStatus.EXPIRED, OrderStatus.FILLED}),
        OrderStatus.REJECTED: _ANSWERED,
    }
)


class OrderUpdateKind(StrEnum):
    """What happened to an order."""

    SUBMITTED = "SUBMITTED"
    ACCEPTED = "ACCEPTED"
    IN_DOUBT = "IN_DOUBT"
    RESOLVED = "RESOLVED"
    FILL = "FILL"
    CORRECTED = "CORRECTED"
    AMENDED = "AMENDED"
    CANCEL_REQUESTED = "CANCEL_REQUESTED"
    CANCELED = "CANCELED"
    EXPIRED = "EXPIRED"
    REJECTED = "REJECTED"
    IMPORTED = "IMPORTED"
    METADATA = "METADATA"


@dataclass(frozen=True, kw_only=True, slots=True)
class Order(HasTerms):
    """An order as it is after its latest change."""

    id: str
    account: str
    client_order_id: str
    wire_id: str
    exchange_order_id: str | None = None
    symbol: str
    terms: OrderTerms
    status: OrderStatus
    # How often the order was amended at the exchange, as far as we know.
    amendments: int = 0
    filled: Decimal = money.ZERO
    cost: Decimal = money.ZERO
    fees: tuple[Fee, ...] = ()
    # The highest totals that the exchange reported; what no trade explains is a synthesized fill.
    reported_filled: Decimal = money.ZERO
    reported_cost: Decimal = money.ZERO
    source: OrderSource = OrderSource.API
    # The exchange's own word for what an order of type OTHER is.
    exchange_type: str | None = None
    strategy: str | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    refusal: Refusal | None = None
    cancel_requested_at: datetime | None = None
    created_at: datetime
    updated_at: datetime
    closed_at: datetime | None = None
    revision: int = 1

    @property
    def is_open(self) -> bool:
        return self.status.is_open

    @property
    def remaining(self) -> Decimal:
        return money.subtract(self.amount, self.filled)

    @property
    def average_price(self) -> Decimal | None:
        return money.divide(self.cost, self.filled) if self.filled else None
