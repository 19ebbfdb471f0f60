"""What the paper exchange writes into its books."""

from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from app.domain import money
from app.domain.accounts import Balance
from app.domain.fills import Fee
from app.domain.order_kinds import OrderSide, PositionType
from app.domain.orders.order import OrderStatus
from app.domain.orders.terms import HasTerms, OrderTerms
from app.domain.portfolio.positions import Holding
from app.errors import Refusal

_ONE = Decimal(1)


@dataclass(frozen=True, kw_only=True, slots=True)
class PaperOrder(HasTerms):
    """An order as the paper exchange knows it."""

    number: int
    wire_id: str
    symbol: str
    # On margin its leverage is that of the position.
    terms: OrderTerms
    # Placed by the exchange itself, to close what the account can no longer carry.
    is_liquidation: bool = False
    triggered_at: datetime | None = None
    amendments: int = 0
    status: OrderStatus
    filled: Decimal
    # What is set aside for the rest of it: quote for a buy or on margin, base for a spot sell.
    reserved: Decimal
    # Why it expired.
    refusal: Refusal | None = None
    # The number of its latest change as a waiting order, or of what margin positions stand on; 0
    # where it never was either.
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
    def is_on_margin(self) -> bool:
        return self.position_type is PositionType.MARGIN

    @property
    def signed(self) -> Decimal:
        """What one of its amount adds to a position."""
        return _ONE if self.side is OrderSide.BUY else _ONE.copy_negate()

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


@dataclass(frozen=True, kw_only=True, slots=True)
class PaperBalance:
    """What there is of an asset. Below nothing is free only where it is owed."""

    asset: str
    free: Decimal
    used: Decimal
    # What ought to be set aside as well, and was lost.
    short: Decimal = money.ZERO
    # What was owed and could never be paid back, so far.
    written_off: Decimal = money.ZERO

    @property
    def total(self) -> Decimal:
        return money.add(self.free, self.used)

    @property
    def told(self) -> Balance:
        return Balance(asset=self.asset, free=self.free, used=self.used)

    def moved(self, *, gained: Decimal, set_aside: Decimal) -> "PaperBalance":
        """With so much more in all, and so much more of it set aside, as far as it goes."""
        total = money.add(self.total, gained)
        wanted = money.total((self.used, self.short, set_aside))
        used = min(wanted, max(total, money.ZERO))
        return replace(
            self,
            free=money.subtract(total, used),
            used=used,
            short=money.subtract(wanted, used),
        )

    def forgiven(self) -> "PaperBalance":
        """Without its debt."""
        debt = min(self.total, money.ZERO)
        written_off = money.subtract(self.written_off, debt)
        return replace(self.moved(gained=-debt, set_aside=money.ZERO), written_off=written_off)


@dataclass(frozen=True, kw_only=True, slots=True)
class PaperPosition:
    """A position on margin; a flat one is remembered with what it has earned."""

    symbol: str
    holding: Holding
    leverage: Decimal
    # The number of the change that made it what it is.
    change: int = 0

    @property
    def amount(self) -> Decimal:
        """Below nothing for a short."""
        return self.holding.amount

    @property
    def quote(self) -> str:
        return self.symbol.partition("/")[2]

    @property
    def margin(self) -> Decimal:
        """What is set aside for it."""
        return money.divide(self.holding.basis.copy_abs(), self.leverage)
