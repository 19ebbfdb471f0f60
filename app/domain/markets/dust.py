"""What can be traded of an amount, and what is dust: too little for any order."""

from decimal import Decimal

from app.domain import money
from app.domain.markets.markets import Market


def tradable(amount: Decimal, market: Market | None) -> Decimal:
    """The amount, rounded down to the market's step."""
    if market is None or market.amount_step is None:
        return amount
    return money.floor_to_step(amount, market.amount_step)


def is_dust(amount: Decimal, market: Market | None, price: Decimal | None) -> bool:
    """Whether so little cannot be traded: below the market's step, minimum or smallest notional.

    Without a price the notional is not looked at.
    """
    whole = tradable(amount.copy_abs(), market)
    if whole == money.ZERO:
        return True
    if market is None:
        return False
    if market.min_amount is not None and whole < market.min_amount:
        return True
    if market.min_notional is None or price is None:
        return False
    return money.multiply(whole, price) < market.min_notional
