"""What the paper exchange writes into its books."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from app.domain import money
from app.domain.orders import Fee, OrderSide, OrderStatus, OrderType, TimeInForce
from app.errors import Refusal


@dataclass(frozen=True, kw_only=True, slots=True)
class PaperOrder:
    """An order as the paper exchange knows it."""

    number: int
    wire_id: str
    symbol: str
    side: OrderSide
    type: OrderType
    time_in_force: TimeInForce
    reduce_only: bool
    amount: Decimal
    price: Decimal | None
    trigger_price: Decimal | None
    triggered_at: datetime | None = None
    amendments: int = 0
    status: OrderStatus
    filled: Decimal
    # What is set aside for the rest of it: quote for a buy, base for a sell.
    reserved: Decimal
    # Why it expired.
    refusal: Refusal | None = None
    # The number of its latest change as a waiting order; 0 where it never waited.
    change: int = 0
    created_at: datetime
    updated_at: datetime

    @property
    def base(self) -> str:
        return self.symbol.partition("/")[0]

    @property
    def quote(self) -> str:
        return self.symbol.partition("/")[2]

    @property
    def remaining(self) -> Decimal:
        return money.subtract(self.amount, self.filled)

    @property
    def waits(self) -> bool:
        return self.status in {OrderStatus.OPEN, OrderStatus.PARTIALLY_FILLED}

    @property
    def awaits_trigger(self) -> bool:
        return self.type.has_trigger and self.triggered_at is None

    @property
    def queued_at(self) -> datetime:
        """Since when it stands in line with the other orders of its price."""
        return self.triggered_at or self.created_at


@dataclass(frozen=True, kw_only=True, slots=True)
class PaperTrade:
    """A fill as the paper exchange knows it."""

    number: int
    order_number: int
    price: Decimal
    amount: Decimal
    fee: Fee
    is_maker: bool
    at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class PaperNumbers:
    """How far the books have come: the last number given to each kind; 0 before the first.

    Every order that waits was compared with the prices of all ticks up to the last one.
    """

    order: int
    trade: int
    change: int
    tick: int
