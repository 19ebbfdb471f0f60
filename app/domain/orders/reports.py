"""What an exchange says about an order, in our words."""

from dataclasses import dataclass
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
    """One trade, known by the exchange's id for it."""

    trade_id: str
    price: Decimal
    amount: Decimal
    fee: Fee | None
    is_maker: bool | None
    at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class ReportedTerms:
    """The terms as the exchange has them; the version grows with each amendment and no more.

    Where an exchange does not count, the version is None, and the report was read just now.
    """

    version: int | None
    terms: AmendableTerms


@dataclass(frozen=True, kw_only=True, slots=True)
class OrderDetails:
    """What never changes of an order, for one that nobody here has placed."""

    client_order_id: str | None
    symbol: str
    side: OrderSide
    type: OrderType
    time_in_force: TimeInForce
    reduce_only: bool
    # None: the symbol says it.
    position_type: PositionType | None = None
    leverage: Decimal | None = None
    created_at: datetime

    def with_terms(self, terms: AmendableTerms) -> OrderTerms:
        """All that the order asks for, with what the exchange reports beside the details."""
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
    """News of one order, found by our wire id or, within its market, by the exchange's own."""

    symbol: str
    wire_id: str | None
    exchange_order_id: str
    status: OrderStatus
    at: datetime
    fills: tuple[FillReport, ...] = ()
    # None where the exchange does not tell; then the order stands as it was placed.
    terms: ReportedTerms | None = None
    # Where the exchange lists orders, so that unknown ones can be taken in.
    details: OrderDetails | None = None
    # Totals, where the exchange tells them.
    filled: Decimal | None = None
    cost: Decimal | None = None
    refusal: Refusal | None = None

    @property
    def name(self) -> tuple[str, str]:
        """What the exchange calls the order: it counts market by market."""
        return self.symbol, self.exchange_order_id


@dataclass(frozen=True, kw_only=True, slots=True)
class OrderIntent(HasTerms):
    """What is sent to an exchange to place an order."""

    wire_id: str
    symbol: str
    terms: OrderTerms


@dataclass(frozen=True, kw_only=True, slots=True)
class OrderKey:
    """How an order is named to the exchange: its own id where it is known, and always ours."""

    symbol: str
    wire_id: str
    exchange_order_id: str | None
