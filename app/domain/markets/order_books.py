"""What others offer in a market."""

from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from app.domain.checks import invalid
from app.errors import Refusal

MAX_DEPTH = 100


@dataclass(frozen=True, kw_only=True, slots=True)
class BookLevel:
    """So much can be traded at this price."""

    price: Decimal
    amount: Decimal


@dataclass(frozen=True, kw_only=True, slots=True)
class OrderBook:
    """Both sides of a market at one moment, each from its best price on."""

    bids: tuple[BookLevel, ...]
    asks: tuple[BookLevel, ...]
    at: datetime

    def cut(self, depth: int) -> "OrderBook":
        """The same no deeper than so many levels."""
        return replace(self, bids=self.bids[:depth], asks=self.asks[:depth])


def examine_depth(depth: int) -> Refusal | None:
    if 1 <= depth <= MAX_DEPTH:
        return None
    return invalid("depth", f"depth must be 1 to {MAX_DEPTH}")
