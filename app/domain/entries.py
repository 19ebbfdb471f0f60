"""Orders that add to risk, as the gate let them in."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from app.domain import money
from app.domain.orders import OrderSide, OrderSource, PositionType


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """What is kept of one beside the order itself."""

    order_id: str
    account: str
    source: OrderSource
    at: datetime
    # What an order without a price of its own was reckoned at.
    expected_price: Decimal | None
    # What its quote was worth in the currency that the account's money is counted in.
    rate: Decimal | None


@dataclass(frozen=True, kw_only=True, slots=True)
class OpenEntry:
    """One that is still open, and what of it may yet trade."""

    order_id: str
    symbol: str
    position_type: PositionType
    side: OrderSide
    remaining: Decimal
    price: Decimal | None
    rate: Decimal | None

    @property
    def notional(self) -> Decimal | None:
        """In the currency of the account's money; None where nobody knows."""
        if self.price is None or self.rate is None:
            return None
        return money.multiply(money.multiply(self.remaining, self.price), self.rate)
