"""Margin positions: margin level, margin call and liquidation price."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from app.domain import money
from app.domain.order_kinds import OrderSide

# The margin level (assets / liabilities) at or below which all positions are liquidated.
LIQUIDATION_LEVEL = Decimal("1.10")
LEAST_LEVERAGE = Decimal(1)
LEVERAGE_STEP = Decimal("0.01")


@dataclass(frozen=True, kw_only=True, slots=True)
class MarginPosition:
    """One margin position; amount and basis are negative for a short."""

    amount: Decimal
    basis: Decimal

    def assets(self, mark: Decimal) -> Decimal:
        """A long's value, or what a short was sold for."""
        is_long = self.amount > money.ZERO
        return money.multiply(self.amount, mark) if is_long else self.basis.copy_abs()

    def liabilities(self, mark: Decimal) -> Decimal:
        """What a long was bought for, or the cost of buying a short back."""
        is_long = self.amount > money.ZERO
        return self.basis if is_long else money.multiply(self.amount.copy_abs(), mark)


@dataclass(frozen=True, kw_only=True, slots=True)
class MarginLevel:
    """Assets and liabilities of all margin positions in one quote currency."""

    assets: Decimal
    liabilities: Decimal

    @classmethod
    def of(cls, total: Decimal, legs: Iterable[tuple[MarginPosition, Decimal]]) -> "MarginLevel":
        """From the quote balance, and the positions with their mark prices."""
        known = list(legs)
        assets = money.total(leg.assets(mark) for leg, mark in known)
        return cls(
            assets=money.add(total, assets),
            liabilities=money.total(leg.liabilities(mark) for leg, mark in known),
        )

    @property
    def level(self) -> Decimal | None:
        """Assets / liabilities to 18 places; None without liabilities."""
        return money.divide(self.assets, self.liabilities) if self.liabilities else None

    @property
    def is_called(self) -> bool:
        least = money.multiply(LIQUIDATION_LEVEL, self.liabilities)
        return self.liabilities > money.ZERO and self.assets <= least


def liquidation_price(leg: MarginPosition, rest: MarginLevel) -> Decimal | None:
    """The mark price of one position at which all are liquidated, all else being equal."""
    if leg.amount > money.ZERO:
        owed = money.add(rest.liabilities, leg.basis)
        missing = money.subtract(money.multiply(LIQUIDATION_LEVEL, owed), rest.assets)
        price = money.divide(missing, leg.amount)
    else:
        owned = money.add(rest.assets, leg.basis.copy_abs())
        spare = money.subtract(owned, money.multiply(LIQUIDATION_LEVEL, rest.liabilities))
        price = money.divide(spare, money.multiply(LIQUIDATION_LEVEL, leg.amount.copy_abs()))
    return price if price > money.ZERO else None


def closable(held: Decimal, side: OrderSide) -> Decimal:
    """The amount of a position that an order of this side could close."""
    is_against = held < money.ZERO if side is OrderSide.BUY else held > money.ZERO
    return held.copy_abs() if is_against else money.ZERO
