"""The exchange's own orders that liquidate a margin position."""

from datetime import datetime

from app.domain import money
from app.domain.order_kinds import OrderSide, OrderType, PositionType
from app.domain.orders.order import OrderStatus
from app.domain.orders.terms import OrderTerms
from app.domain.paper_ledger import PaperOrder, PaperPosition

# No wire id of ours can begin with this.
_NAME = "LIQUIDATED"


def closing_side(position: PaperPosition) -> OrderSide:
    return OrderSide.SELL if position.amount > money.ZERO else OrderSide.BUY


def order_that_closes(position: PaperPosition, number: int, at: datetime) -> PaperOrder:
    """A market order for the whole position."""
    return PaperOrder(
        number=number,
        wire_id=f"{_NAME}-{number}",
        symbol=position.symbol,
        terms=OrderTerms(
            side=closing_side(position),
            type=OrderType.MARKET,
            amount=position.amount.copy_abs(),
            reduce_only=True,
            position_type=PositionType.MARGIN,
            leverage=position.leverage,
        ),
        is_liquidation=True,
        status=OrderStatus.SUBMITTING,
        filled=money.ZERO,
        reserved=money.ZERO,
        created_at=at,
        updated_at=at,
    )
