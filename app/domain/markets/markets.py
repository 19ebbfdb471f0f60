"""Market, its fee rates, and Ticker."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from app.domain import money
from app.domain.order_kinds import PositionType


@dataclass(frozen=True, kw_only=True, slots=True)
class FeeRates:
    """Maker and taker fee as fractions of the cost.

    If fees are in quote, a buy pays them on top of its cost; otherwise out of what it bought.
    """

    maker: Decimal
    taker: Decimal
    is_in_quote: bool

    @property
    def maker_percent(self) -> Decimal:
        return money.multiply(self.maker, money.HUNDRED)

    @property
    def taker_percent(self) -> Decimal:
        return money.multiply(self.taker, money.HUNDRED)


@dataclass(frozen=True, kw_only=True, slots=True)
class Market:
    """What is traded under one symbol, with its steps and minimums."""

    symbol: str
    base: str
    quote: str
    type: PositionType
    active: bool
    amount_step: Decimal | None
    price_step: Decimal | None
    min_amount: Decimal | None
    min_notional: Decimal | None
    contract_size: Decimal | None = None
    # None if the exchange does not publish them.
    fees: FeeRates | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Ticker:
    """The prices of one market at one moment."""

    symbol: str
    bid: Decimal | None
    ask: Decimal | None
    last: Decimal | None
    percentage: Decimal | None
    quote_volume: Decimal | None
    at: datetime
    # The last 24 hours, where the exchange tells them.
    open: Decimal | None = None
    high: Decimal | None = None
    low: Decimal | None = None
    volume: Decimal | None = None
    is_stale: bool = False
