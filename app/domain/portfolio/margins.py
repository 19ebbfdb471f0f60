"""Positions with borrowed money: what secures them, and when that no longer suffices."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from app.domain import money
from app.domain.order_kinds import OrderSide

# Assets by liabilities, at or below which everything is closed.
LIQUIDATION_LEVEL = Decimal("1.10")
LEAST_LEVERAGE = Decimal(1)
LEVERAGE_STEP = Decimal("0.01")


@dataclass(frozen=True, kw_only=True, slots=True)
class MarginPosition:
    """One position; amount and basis are below nothing for a short."""

    amount: Decimal
    basis: Decimal

    def assets(self, mark: Decimal) -> Decimal:
        """What a long is worth, or what a short was sold for."""
        is_long = self.amount > money.ZERO
        return money.multiply(self.amount, mark) if is_long else self.basis.copy_abs()

    def liabilities(self, mark: Decimal) -> Decimal:
        """What a long was bought for, or what it takes to buy a short back."""
        is_long = self.amount > money.ZERO
        return self.basis if is_long else money.multiply(self.amount.copy_abs(), mark)


@dataclass(frozen=True, kw_only=True, slots=True)
class MarginLevel:
    """All that stands behind the positions in one quote, against all that is owed for them."""

    assets: Decimal
    liabilities: Decimal

    @classmethod
    def of(cls, total: Decimal, legs: Iterable[tuple[MarginPosition, Decimal]]) -> "MarginLevel":
        """So much of the quote, and positions with their marks."""
        known = list(legs)
        assets = money.total(leg.assets(mark) for leg, mark in known)
        return cls(
            assets=money.add(total, assets),
            liabilities=money.total(leg.liabilities(mark) for leg, mark in known),
        )

    @property
    def level(self) -> Decimal | None:
        """To 18 places; nothing where nothing is owed."""
        return money.divide(self.assets, self.liabilities) if self.liabilities else None

    @property
    def is_called(self) -> bool:
        least = money.multiply(LIQUIDATION_LEVEL, self.liabilities)
        return self.liabilities > money.ZERO and self.assets <= least


def liquidation_price(leg: MarginPosition, rest: MarginLevel) -> Decimal | None:
    """The mark at which one position brings everything down, if all the rest stays as it is."""
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
    """How much of a position an order of this side could close."""
    is_against = held < money.ZERO if side is OrderSide.BUY else held > money.ZERO
    return held.copy_abs() if is_against else money.ZERO
