"""Orders that add to risk, as the gate let them in."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from app.domain import money
from app.domain.order_kinds import OrderSide, OrderSource, PositionType


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
class Remainder:
    """What of an order may yet trade, and at which price."""

    remaining: Decimal
    price: Decimal | None


@dataclass(frozen=True, kw_only=True, slots=True)
class OpenEntry:
    """One that is still open."""

    order_id: str
    symbol: str
    position_type: PositionType
    side: OrderSide
    rate: Decimal | None
    # As it stands, and as each amendment would have it of which nobody knows what became.
    stakes: tuple[Remainder, ...]

    @property
    def notional(self) -> Decimal | None:
        """At its largest, in the currency of the account's money; None where nobody knows."""
        costs = [
            None if one.price is None else money.multiply(one.remaining, one.price)
            for one in self.stakes
        ]
        known = [cost for cost in costs if cost is not None]
        if self.rate is None or len(known) < len(costs):
            return None
        return money.multiply(max(known), self.rate)
