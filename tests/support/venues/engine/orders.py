"""Orders and trades, with Binance's types and statuses, which other exchanges translate."""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from app.domain import money
from tests.support.venues.engine.accounts import Commission
from tests.support.venues.engine.digits import ZERO


class Side(StrEnum):
    BUY = "BUY"
    SELL = "SELL"


class Type(StrEnum):
    LIMIT = "LIMIT"
    LIMIT_MAKER = "LIMIT_MAKER"
    MARKET = "MARKET"
    STOP_LOSS = "STOP_LOSS"
    STOP_LOSS_LIMIT = "STOP_LOSS_LIMIT"
    TAKE_PROFIT = "TAKE_PROFIT"
    TAKE_PROFIT_LIMIT = "TAKE_PROFIT_LIMIT"

    @property
    def has_price(self) -> bool:
        return "LIMIT" in self

    @property
    def has_stop(self) -> bool:
        return self.startswith(("STOP", "TAKE"))

    @property
    def has_time_in_force(self) -> bool:
        return self.has_price and self is not Type.LIMIT_MAKER


class TimeInForce(StrEnum):
    GTC = "GTC"
    IOC = "IOC"
    FOK = "FOK"


class Status(StrEnum):
    NEW = "NEW"
    PARTIALLY_FILLED = "PARTIALLY_FILLED"
    FILLED = "FILLED"
    CANCELED = "CANCELED"
    EXPIRED = "EXPIRED"

    @property
    def is_open(self) -> bool:
        return self in {Status.NEW, Status.PARTIALLY_FILLED}


@dataclass(frozen=True, kw_only=True)
class NewOrder:
    """A well-formed order request that is not yet accepted."""

    client_order_id: str
    side: Side
    type: Type
    time_in_force: TimeInForce = TimeInForce.GTC
    amount: Decimal = ZERO
    quote_amount: Decimal = ZERO
    price: Decimal = ZERO
    stop_price: Decimal = ZERO
    # What its fees are paid in, if the order says so itself.
    commission: Commission | None = None


@dataclass(frozen=True, kw_only=True)
class NewTerms:
    """What an order that is changed in place gets; what is None stays as it is."""

    amount: Decimal | None = None
    price: Decimal | None = None
    stop_price: Decimal | None = None
    is_post_only: bool = False


@dataclass(frozen=True, kw_only=True)
class Order:
    id: int
    account: str
    symbol: str
    client_order_id: str
    side: Side
    type: Type
    time_in_force: TimeInForce
    amount: Decimal
    quote_amount: Decimal
    price: Decimal
    stop_price: Decimal
    locked_asset: str
    locked: Decimal
    unit_lock: Decimal
    created_at: int
    updated_at: int
    is_working: bool
    status: Status = Status.NEW
    filled: Decimal = ZERO
    cost: Decimal = ZERO
    commission: Commission | None = None

    @property
    def remaining(self) -> Decimal:
        return money.subtract(self.amount, self.filled)


@dataclass(frozen=True, kw_only=True)
class Trade:
    id: int
    order_id: int
    account: str
    symbol: str
    side: Side
    price: Decimal
    amount: Decimal
    cost: Decimal
    commission: Decimal
    commission_asset: str
    is_maker: bool
    at: int


class Execution(StrEnum):
    NEW = "NEW"
    TRADE = "TRADE"
    CANCELED = "CANCELED"
    EXPIRED = "EXPIRED"
    AMENDED = "AMENDED"


@dataclass(frozen=True, kw_only=True)
class Change:
    """One change of an order, with the order's state after it."""

    order: Order
    execution: Execution
    trade: Trade | None = None
    request_id: str | None = None
