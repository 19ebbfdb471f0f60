"""Markets with their tick, step and limits."""

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, kw_only=True)
class Listing:
    base: str
    quote: str
    price: Decimal
    tick: Decimal
    step: Decimal
    least_notional: Decimal
    most_amount: Decimal = Decimal(9000)
    most_price: Decimal = Decimal(1000000)
    multiplier_up: Decimal = Decimal(5)
    multiplier_down: Decimal = Decimal("0.2")
    is_trading: bool = True

    @property
    def symbol(self) -> str:
        return self.base + self.quote


DEFAULT_LISTINGS = (
    Listing(
        base="BTC",
        quote="USDT",
        price=Decimal(50000),
        tick=Decimal("0.01"),
        step=Decimal("0.00001"),
        least_notional=Decimal(5),
    ),
    Listing(
        base="ETH",
        quote="USDT",
        price=Decimal(2500),
        tick=Decimal("0.01"),
        step=Decimal("0.0001"),
        least_notional=Decimal(5),
    ),
    Listing(
        base="ETH",
        quote="BTC",
        price=Decimal("0.05"),
        tick=Decimal("0.00001"),
        step=Decimal("0.001"),
        least_notional=Decimal("0.0001"),
    ),
    Listing(
        base="BNB",
        quote="USDT",
        price=Decimal(600),
        tick=Decimal("0.01"),
        step=Decimal("0.001"),
        least_notional=Decimal(5),
    ),
)


def coins(count: int) -> list[Listing]:
    """This many markets of made-up coins against USDT, cheap enough to hold all of them."""
    return [
        Listing(
            base=f"COIN{number:03}",
            quote="USDT",
            price=Decimal(1 + number % 50),
            tick=Decimal("0.0001"),
            step=Decimal("0.01"),
            least_notional=Decimal(5),
        )
        for number in range(count)
    ]
