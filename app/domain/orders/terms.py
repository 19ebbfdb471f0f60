"""OrderTerms: an order's terms, the same value from the request to the exchange."""

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, TypeVar

from app.domain.order_kinds import OrderSide, OrderType, PositionType, TimeInForce


@dataclass(frozen=True, kw_only=True, slots=True)
class AmendableTerms:
    """The part of an order's terms that an amendment may change."""

    amount: Decimal
    price: Decimal | None
    trigger_price: Decimal | None


@dataclass(frozen=True, kw_only=True, slots=True)
class OrderTerms:
    """What an order asks for in its market."""

    side: OrderSide
    type: OrderType
    amount: Decimal
    price: Decimal | None = None
    trigger_price: Decimal | None = None
    time_in_force: TimeInForce = TimeInForce.GTC
    reduce_only: bool = False
    position_type: PositionType = PositionType.SPOT
    leverage: Decimal | None = None

    @property
    def amendable(self) -> AmendableTerms:
        return AmendableTerms(
            amount=self.amount, price=self.price, trigger_price=self.trigger_price
        )

    def amended(self, wanted: AmendableTerms) -> "OrderTerms":
        return replace(
            self,
            amount=wanted.amount,
            price=wanted.price,
            trigger_price=wanted.trigger_price,
        )


class HasTerms:
    """Base of every value that has order terms: gives access to them as properties."""

    __slots__ = ()

    symbol: str
    terms: OrderTerms

    @property
    def side(self) -> OrderSide:
        return self.terms.side

    @property
    def type(self) -> OrderType:
        return self.terms.type

    @property
    def amount(self) -> Decimal:
        return self.terms.amount

    @property
    def price(self) -> Decimal | None:
        return self.terms.price

    @property
    def trigger_price(self) -> Decimal | None:
        return self.terms.trigger_price

    @property
    def time_in_force(self) -> TimeInForce:
        return self.terms.time_in_force

    @property
    def reduce_only(self) -> bool:
        return self.terms.reduce_only

    @property
    def position_type(self) -> PositionType:
        return self.terms.position_type

    @property
    def leverage(self) -> Decimal | None:
        return self.terms.leverage


Ordered = TypeVar("Ordered", bound=Any)


def with_terms(order: Ordered, **changes: Any) -> Ordered:
    """A copy of the order with some terms changed."""
    changed: Ordered = replace(order, terms=replace(order.terms, **changes))
    return changed
