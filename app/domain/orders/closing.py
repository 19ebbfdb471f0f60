"""Closing a position: how much of it can be traded, and the order that does it."""

from decimal import Decimal

from app.domain import money
from app.domain.markets.markets import Market
from app.domain.order_kinds import OrderSide, OrderType, PositionType
from app.domain.orders.requests import OrderRequest
from app.domain.orders.terms import OrderTerms
from app.domain.portfolio.positions import PositionKey


def tradable(amount: Decimal, market: Market | None) -> Decimal:
    """As much of it as the market's step lets be traded."""
    if market is None or market.amount_step is None:
        return amount
    return money.floor_to_step(amount, market.amount_step)


def closing_order(
    key: PositionKey, side: OrderSide, amount: Decimal, client_order_id: str
) -> OrderRequest:
    """The market order that closes so much of a position, and can only reduce it."""
    is_spot_buy = key.type is PositionType.SPOT and side is OrderSide.BUY
    return OrderRequest(
        account=key.account,
        client_order_id=client_order_id,
        symbol=key.symbol,
        terms=OrderTerms(
            side=side,
            type=OrderType.MARKET,
            amount=amount,
            # On spot only a sell reduces; a buy makes up for what was sold in another market.
            reduce_only=not is_spot_buy,
            position_type=key.type,
        ),
    )
