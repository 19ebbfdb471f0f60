"""What others offer in a market."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal


@dataclass(frozen=True, kw_only=True, slots=True)
class Level:
    """So much can be traded at this price."""

    price: Decimal
    amount: Decimal


@dataclass(frozen=True, kw_only=True, slots=True)
class OrderBook:
    """Both sides of a market at one moment, each from its best price on."""

    bids: tuple[Level, ...]
    asks: tuple[Level, ...]
    at: datetime
