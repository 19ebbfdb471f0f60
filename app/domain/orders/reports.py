"""OrderReport and its parts: what an exchange says about an order."""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from app.domain.fills import Fee
from app.domain.order_kinds import (
    OrderSide,
    OrderType,
    PositionType,
    TimeInForce,
    implied_position_type,
)
from app.domain.orders.order import OrderStatus
from app.domain.orders.terms import AmendableTerms, HasTerms, OrderTerms
from app.errors import Refusal


@dataclass(frozen=True, kw_only=True, slots=True)
class FillReport:
    """One trade, identified by the exchange's trade id."""

    trade_id: str
    price: Decimal
    amount: Decimal
    fee: Fee | None
    is_maker: bool | None
    at: datetime
    # Whether it comes from the exchange's own list of trades, whose fee is the last word; it says
    # nothing of the trade itself.
    is_fee_final: bool = field(default=False, compare=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class ReportedTerms:
    """The terms as the exchange has them; the version grows with each amendment and nothing else.

    If the exchange does not count amendments, the version is None, and the terms are current.
    """

    version: int | None
    terms: AmendableTerms


@dataclass(frozen=True, kw_only=True, slots=True)
class OrderDetails:
    """What never changes of an order; needed to import an external order."""

    client_order_id: str | None
    symbol: str
    side: OrderSide
    type: OrderType
    time_in_force: TimeInForce
    # The exchange's own word, if the type is OTHER.
    exchange_type: str | None = None
    reduce_only: bool
    # None: implied by the symbol.
    position_type: PositionType | None = None
    leverage: Decimal | None = None
    created_at: datetime

    def with_terms(self, terms: AmendableTerms) -> OrderTerms:
        """The complete terms: these details with the amendable terms."""
        return OrderTerms(
            side=self.side,
            type=self.type,
            amount=terms.amount,
            price=terms.price,
            trigger_price=terms.trigger_price,
            time_in_force=self.time_in_force,
            reduce_only=self.reduce_only,
            position_type=self.position_type or implied_position_type(self.symbol),
            leverage=self.leverage,
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class OrderReport:
    """A report of one order, identified by our wire id or the exchange's id in its market."""

    symbol: str
    wire_id: str | None
    exchange_order_id: str
    status: OrderStatus
    at: datetime
    fills: tuple[FillReport, ...] = ()
    # None if the exchange does not report them; then the order keeps its terms.
    terms: ReportedTerms | None = None
    # Present if the report comes from a list of orders, so that unknown ones can be imported.
    details: OrderDetails | None = None
    # Totals, if the exchange reports them.
    filled: Decimal | None = None
    cost: Decimal | None = None
    refusal: Refusal | None = None

    @property
    def name(self) -> tuple[str, str]:
        """The exchange's name for the order: its ids are unique per market only."""
        return self.symbol, self.exchange_order_id


@dataclass(frozen=True, kw_only=True, slots=True)
class OrderIntent(HasTerms):
    """What is sent to an exchange to place an order."""

    wire_id: str
    symbol: str
    terms: OrderTerms


@dataclass(frozen=True, kw_only=True, slots=True)
class OrderKey:
    """The ids of an order at the exchange: always our wire id, and the exchange's if known."""

    symbol: str
    wire_id: str
    exchange_order_id: str | None
    # When we placed it, if we did: no exchange need look for it among older ones.
    placed_at: datetime | None = None
