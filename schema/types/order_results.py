"""The order connection, and the result types of order mutations."""

from collections.abc import Awaitable
from datetime import datetime
from typing import Annotated, TypeVar

import strawberry

from app.domain.orders import order as domain
from app.domain.orders.filters import OrderSort
from app.errors import Denied
from app.services.reads import OrderList
from schema import ids
from schema.errors import within
from schema.scalars import Cursor
from schema.types.orders import Order, Refusal
from schema.types.pages import PageInfo

T = TypeVar("T")


async def or_refusal(result: Awaitable[T], *path: str) -> T | Refusal:
    """The result, or the refusal if it is denied, with the argument path in front of its field."""
    try:
        with within(*path):
            return await result
    except Denied as denied:
        return Refusal.of_denied(denied)


@strawberry.type
class OrderEdge:
    node: Order
    cursor: Cursor


@strawberry.type
class OrderConnection:
    edges: list[OrderEdge]
    nodes: list[Order]
    page_info: PageInfo
    total_count: int
    as_of: Cursor

    @classmethod
    def of(cls, found: OrderList, sort: OrderSort) -> "OrderConnection":
        nodes = [Order.of(order) for order in found.page.items]
        cursors = [
            ids.encode_place(list_name(sort), (sort_value(order, sort), order.id))
            for order in found.page.items
        ]
        return cls(
            edges=[
                OrderEdge(node=node, cursor=cursor)
                for node, cursor in zip(nodes, cursors, strict=True)
            ],
            nodes=nodes,
            page_info=PageInfo.of(found.page, cursors),
            total_count=found.total_count,
            as_of=Cursor(found.as_of.encode()),
        )


def list_name(sort: OrderSort) -> str:
    return f"orders:{sort}"


def sort_value(order: domain.Order, sort: OrderSort) -> datetime:
    by_creation = sort in {OrderSort.CREATED_AT_ASC, OrderSort.CREATED_AT_DESC}
    return order.created_at if by_creation else order.updated_at


@strawberry.type
class PlaceOrderSuccess:
    order: Order
    replayed: bool


@strawberry.type
class OrderSuccess:
    order: Order


PlaceOrderResult = Annotated[PlaceOrderSuccess | Refusal, strawberry.union("PlaceOrderResult")]
OrderResult = Annotated[OrderSuccess | Refusal, strawberry.union("OrderResult")]


@strawberry.type
class CancelAllOrdersPayload:
    canceled: list[Order]
    failed: list[Refusal]
    under_way: list[Order]
