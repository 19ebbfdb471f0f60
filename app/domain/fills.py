"""Fills: facts of the exchange, and the part of an order that only its totals tell."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from app.domain.order_kinds import OrderSide


@dataclass(frozen=True, kw_only=True, slots=True)
class Fee:
    """What a trade cost beside its price."""

    currency: str
    amount: Decimal


@dataclass(frozen=True, kw_only=True, slots=True)
class Fill:
    """A trade of an order, or the difference between the exchange's totals and its trades."""

    id: str
    order_id: str
    account: str
    exchange_trade_id: str | None
    symbol: str
    side: OrderSide
    price: Decimal
    amount: Decimal
    cost: Decimal
    fee: Fee | None
    is_maker: bool | None
    at: datetime
    # The order's revision that brought it, and the one that replaced it by real trades.
    revision: int
    superseded_revision: int | None = None
    # What a fee in a currency of another market was worth in quote, once that is known.
    fee_value: Decimal | None = None

    @property
    def is_synthesized(self) -> bool:
        return self.exchange_trade_id is None
