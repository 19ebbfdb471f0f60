"""Entry: an order that adds to risk, recorded when it passed its checks, with its unfilled rest."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from app.domain import money
from app.domain.order_kinds import OrderSide, OrderSource, PositionType


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """What is stored of an entry besides the order itself."""

    order_id: str
    account: str
    source: OrderSource
    at: datetime
    # The price assumed for an order without a price of its own.
    expected_price: Decimal | None
    # The rate from its quote to the account's home currency.
    rate: Decimal | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Remainder:
    """How much of an order may still trade, and at which price."""

    remaining: Decimal
    price: Decimal | None


@dataclass(frozen=True, kw_only=True, slots=True)
class OpenEntry:
    """An entry whose order is still open."""

    order_id: str
    symbol: str
    position_type: PositionType
    side: OrderSide
    rate: Decimal | None
    # As the order is, and as each amendment whose result is unknown would make it.
    remainders: tuple[Remainder, ...]

    @property
    def notional(self) -> Decimal | None:
        """The largest possible notional in the account's home currency; None if not known."""
        costs = [
            None
            if remainder.price is None
            else money.multiply(remainder.remaining, remainder.price)
            for remainder in self.remainders
        ]
        known = [cost for cost in costs if cost is not None]
        if self.rate is None or len(known) < len(costs):
            return None
        return money.multiply(max(known), self.rate)
