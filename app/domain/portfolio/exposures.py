"""Exposure: a margin or swap position that the exchange itself keeps."""

from dataclasses import dataclass
from decimal import Decimal

from app.domain.order_kinds import PositionType


@dataclass(frozen=True, kw_only=True, slots=True)
class Exposure:
    """One open position, as the exchange reports it."""

    symbol: str
    type: PositionType
    # In base, whatever the exchange counts in; negative for a short.
    amount: Decimal
    entry_price: Decimal | None = None
    leverage: Decimal | None = None
    # The margin reserved for it, in the settlement currency.
    margin: Decimal | None = None
    liquidation_price: Decimal | None = None
