"""Closing a position: the tradable amount, and the market order that closes it."""

from decimal import Decimal

from app.domain import money
from app.domain.markets.markets import Market
from app.domain.order_kinds import OrderSide, OrderType, PositionType
from app.domain.orders.requests import OrderRequest
from app.domain.orders.terms import OrderTerms
from app.domain.portfolio.positions import PositionKey


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


def closing_order(
    key: PositionKey, side: OrderSide, amount: Decimal, client_order_id: str
) -> OrderRequest:
    """The market order that closes this amount of a position, and can only reduce it."""
    is_spot_buy = key.type is PositionType.SPOT and side is OrderSide.BUY
    return OrderRequest(
        account=key.account,
        client_order_id=client_order_id,
        symbol=key.symbol,
        terms=OrderTerms(
            side=side,
            type=OrderType.MARKET,
            amount=amount,
            # On spot only a sell can reduce; a buy covers what was sold in another market.
            reduce_only=not is_spot_buy,
            position_type=key.type,
        ),
    )
