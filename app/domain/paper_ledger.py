"""The paper exchange's ledger entries: orders, trades, balances and margin positions."""

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
    """An order as the paper exchange keeps it."""

    number: int
    wire_id: str
    symbol: str
    # On margin, the leverage is that of the position.
    terms: OrderTerms
    # Placed by the exchange itself, to close a position that the account can no longer carry.
    is_liquidation: bool = False
    triggered_at: datetime | None = None
    amendments: int = 0
    status: OrderStatus
    filled: Decimal
    # Reserved for the unfilled rest: quote for a buy or on margin, base for a spot sell.
    reserved: Decimal
    # Why the order expired.
    refusal: Refusal | None = None
    # The number of its latest change while open, or while it affected a margin position's assets; 0
    # if it never did either.
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
        """The sign of the order: what a filled amount of 1 adds to a position."""
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
        """Since when the order has queued at its price."""
        return self.triggered_at or self.created_at


@dataclass(frozen=True, kw_only=True, slots=True)
class PaperTrade:
    """A fill as the paper exchange keeps it."""

    number: int
    order_number: int
    price: Decimal
    amount: Decimal
    fee: Fee
    is_maker: bool
    at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class PaperNumbers:
    """The ledger's sequence numbers: the last one given of each kind; 0 before the first.

    Every open order has been matched against the prices of all ticks up to `tick`.
    """

    order: int
    trade: int
    change: int
    tick: int


@dataclass(frozen=True, kw_only=True, slots=True)
class PaperBalance:
    """The balance of one asset. `free` is negative only if the account owes the asset."""

    asset: str
    free: Decimal
    used: Decimal
    # What should be reserved as well, but was lost.
    short: Decimal = money.ZERO
    # The total of debts that could not be paid back.
    written_off: Decimal = money.ZERO

    @property
    def total(self) -> Decimal:
        return money.add(self.free, self.used)

    @property
    def as_balance(self) -> Balance:
        return Balance(asset=self.asset, free=self.free, used=self.used)

    def moved(self, *, gained: Decimal, set_aside: Decimal) -> "PaperBalance":
        """The balance with `gained` more in total and `set_aside` more in use, if it suffices."""
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
        """The balance with its debt written off."""
        debt = min(self.total, money.ZERO)
        written_off = money.subtract(self.written_off, debt)
        return replace(self.moved(gained=-debt, set_aside=money.ZERO), written_off=written_off)


@dataclass(frozen=True, kw_only=True, slots=True)
class PaperPosition:
    """A margin position; a flat one is kept with its realized profit."""

    symbol: str
    holding: Holding
    leverage: Decimal
    # The number of its latest change.
    change: int = 0

    @property
    def amount(self) -> Decimal:
        """Negative for a short."""
        return self.holding.amount

    @property
    def quote(self) -> str:
        return self.symbol.partition("/")[2]

    @property
    def margin(self) -> Decimal:
        """The margin reserved for the position."""
        return money.divide(self.holding.basis.copy_abs(), self.leverage)
