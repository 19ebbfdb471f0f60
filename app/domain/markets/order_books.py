"""OrderBook and its levels."""

from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from app.domain.checks import invalid
from app.errors import Refusal

MAX_DEPTH = 100


@dataclass(frozen=True, kw_only=True, slots=True)
class BookLevel:
    """The amount that can be traded at one price."""

    price: Decimal
    amount: Decimal


@dataclass(frozen=True, kw_only=True, slots=True)
class OrderBook:
    """Both sides of a market at one moment, each with its best price first."""

    bids: tuple[BookLevel, ...]
    asks: tuple[BookLevel, ...]
    at: datetime

    def cut(self, depth: int) -> "OrderBook":
        """The same order book, at most `depth` levels deep."""
        return replace(self, bids=self.bids[:depth], asks=self.asks[:depth])


def examine_depth(depth: int) -> Refusal | None:
    if 1 <= depth <= MAX_DEPTH:
        return None
    return invalid("depth", f"depth must be 1 to {MAX_DEPTH}")
