"""An order's terms to and from the columns that every table of orders has for them."""

from typing import Any

from sqlalchemy import RowMapping

from app.domain.order_kinds import OrderSide, OrderType, PositionType, TimeInForce
from app.domain.orders.terms import OrderTerms


def terms_row(terms: OrderTerms) -> dict[str, Any]:
    return {
        "side": str(terms.side),
        "type": str(terms.type),
        "amount": terms.amount,
        "price": terms.price,
        "trigger_price": terms.trigger_price,
        "time_in_force": str(terms.time_in_force),
        "reduce_only": terms.reduce_only,
        "position_type": str(terms.position_type),
        "leverage": terms.leverage,
    }


def load_terms(row: RowMapping) -> OrderTerms:
    return OrderTerms(
        side=OrderSide(row["side"]),
        type=OrderType(row["type"]),
        amount=row["amount"],
        price=row["price"],
        trigger_price=row["trigger_price"],
        time_in_force=TimeInForce(row["time_in_force"]),
        reduce_only=row["reduce_only"],
        position_type=PositionType(row["position_type"]),
        leverage=row["leverage"],
    )
