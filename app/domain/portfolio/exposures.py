"""Positions that the exchange itself keeps: on margin, and swaps."""

from dataclasses import dataclass
from decimal import Decimal

from app.domain.order_kinds import PositionType


@dataclass(frozen=True, kw_only=True, slots=True)
class Exposure:
    """One open position, as the exchange tells it."""

    symbol: str
    type: PositionType
    # Of the base, whatever the exchange counts in; below nothing for a short.
    amount: Decimal
    entry_price: Decimal | None = None
    leverage: Decimal | None = None
    # What is set aside for it, in the currency that it settles in.
    margin: Decimal | None = None
    liquidation_price: Decimal | None = None
