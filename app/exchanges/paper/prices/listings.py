"""The paper exchange's listed markets: their steps and minimums, anchor price and volatility."""

from dataclasses import dataclass
from decimal import Decimal

from app.domain import money
from app.domain.markets.markets import FeeRates, Market
from app.domain.order_kinds import PositionType

_CENT = Decimal("0.01")
_FIVE = Decimal(5)
_TEN = Decimal(10)


@dataclass(frozen=True, kw_only=True, slots=True)
class MarketRules:
    """A spot market's rules for orders: steps and minimums."""

    base: str
    quote: str
    amount_step: Decimal
    price_step: Decimal
    min_amount: Decimal = money.ZERO
    min_notional: Decimal = money.ZERO

    @property
    def symbol(self) -> str:
        return f"{self.base}/{self.quote}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Listing(MarketRules):
    """A simulated market with its anchor price and volatility."""

    anchor: Decimal
    # Relative to bitcoin's volatility.
    volatility_percent: int

    def market(self, fees: FeeRates) -> Market:
        return Market(
            symbol=self.symbol,
            base=self.base,
            quote=self.quote,
            type=PositionType.SPOT,
            active=True,
            amount_step=self.amount_step,
            price_step=self.price_step,
            min_amount=self.amount_step,
            min_notional=self.min_notional,
            fees=fees,
        )


LISTINGS = (
    Listing(
        base="BTC",
        quote="USDT",
        amount_step=Decimal("0.00001"),
        price_step=_CENT,
        min_notional=_FIVE,
        anchor=Decimal(64000),
        volatility_percent=100,
    ),
    Listing(
        base="ETH",
        quote="USDT",
        amount_step=Decimal("0.0001"),
        price_step=_CENT,
        min_notional=_FIVE,
        anchor=Decimal(3200),
        volatility_percent=120,
    ),
    Listing(
        base="SOL",
        quote="USDT",
        amount_step=Decimal("0.001"),
        price_step=_CENT,
        min_notional=_FIVE,
        anchor=Decimal(190),
        volatility_percent=200,
    ),
    Listing(
        base="BTC",
        quote="USD",
        amount_step=Decimal("0.00001"),
        price_step=_CENT,
        min_notional=_TEN,
        anchor=Decimal(64000),
        volatility_percent=100,
    ),
)
