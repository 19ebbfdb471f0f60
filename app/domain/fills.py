"""Fill: a trade of an order, or a synthesized fill for what only the exchange's totals show."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from app.domain.order_kinds import OrderSide


@dataclass(frozen=True, kw_only=True, slots=True)
class Fee:
    """The fee of a trade."""

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
    # The order's revision that added it, and the one that replaced it by real trades.
    revision: int
    superseded_revision: int | None = None
    # The value in quote of a fee in a third currency, once it is known.
    fee_value: Decimal | None = None
    # The order's revision that corrected the fee, if the exchange's list of trades told another.
    fee_revision: int | None = None

    @property
    def is_synthesized(self) -> bool:
        return self.exchange_trade_id is None
