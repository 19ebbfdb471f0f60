"""Closing a position: the market order that closes it."""

from decimal import Decimal

from app.domain.order_kinds import OrderSide, OrderType, PositionType
from app.domain.orders.requests import OrderRequest
from app.domain.orders.terms import OrderTerms
from app.domain.portfolio.positions import PositionKey


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
