"""What the paper exchange writes into its books."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from app.domain import money
from app.domain.orders import Fee, OrderSide, OrderStatus, OrderType, TimeInForce


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
    status: OrderStatus
    filled: Decimal
    # What is set aside for the rest of it: quote for a buy, base for a sell.
    reserved: Decimal
    created_at: datetime
    updated_at: datetime

    @property
    def remaining(self) -> Decimal:
        return money.subtract(self.amount, self.filled)


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
    """The last numbers given to an order and to a trade; 0 before the first."""

    order: int
    trade: int
