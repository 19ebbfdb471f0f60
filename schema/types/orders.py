"""Orders, their updates, and lists of both."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated

import strawberry

from app.domain.orders import order as domain
from app.domain.orders.events import LoggedEvent, LogPosition
from app.domain.orders.filters import FillFilter as DomainFillFilter
from app.domain.orders.filters import OrderSort
from app.domain.orders.order import (
    OrderSide,
    OrderSource,
    OrderStatus,
    OrderType,
    OrderUpdateKind,
    PositionType,
    TimeInForce,
)
from app.domain.pages import Page, PageRequest
from app.services.reads import OrderList
from schema import ids
from schema.context import Info
from schema.errors import Refusal
from schema.scalars import JSON, Cursor
from schema.types.accounts import Account
from schema.types.fills import Fee, Fill, FillConnection, FillQuery, list_fills
from schema.types.nodes import Node
from schema.types.pages import PageArguments, PageInfo

strawberry.enum(OrderSide)
strawberry.enum(OrderType)
strawberry.enum(TimeInForce)
strawberry.enum(PositionType)
strawberry.enum(OrderSource)
strawberry.enum(OrderStatus)
strawberry.enum(OrderUpdateKind)
strawberry.enum(OrderSort, name="OrderOrder")


@strawberry.type
class Order(Node):
    id: strawberry.ID
    client_order_id: str
    exchange_order_id: str | None
    symbol: str
    side: OrderSide
    type: OrderType
    time_in_force: TimeInForce
    status: OrderStatus
    is_open: bool
    amount: Decimal
    price: Decimal | None
    trigger_price: Decimal | None
    filled: Decimal
    remaining: Decimal
    average_price: Decimal | None
    cost: Decimal
    fees: list[Fee]
    reduce_only: bool
    position_type: PositionType
    leverage: Decimal | None
    source: OrderSource
    strategy: str | None
    metadata: JSON
    refusal: Refusal | None
    cancel_requested_at: datetime | None
    created_at: datetime
    updated_at: datetime
    closed_at: datetime | None
    revision: int
    value: strawberry.Private[domain.Order]

    @classmethod
    def of(cls, order: domain.Order) -> "Order":
        return cls(
            id=ids.encode(ids.Kind.ORDER, order.id),
            client_order_id=order.client_order_id,
            exchange_order_id=order.exchange_order_id,
            symbol=order.symbol,
            side=order.side,
            type=order.type,
            time_in_force=order.time_in_force,
            status=order.status,
            is_open=order.is_open,
            amount=order.amount,
            price=order.price,
            trigger_price=order.trigger_price,
            filled=order.filled,
            remaining=order.remaining,
            average_price=order.average_price,
            cost=order.cost,
            fees=[Fee.of(fee) for fee in order.fees],
            reduce_only=order.reduce_only,
            position_type=order.position_type,
            leverage=order.leverage,
            source=order.source,
            strategy=order.strategy,
            metadata=JSON(order.metadata),
            refusal=None if order.refusal is None else Refusal.of(order.refusal),
            cancel_requested_at=order.cancel_requested_at,
            created_at=order.created_at,
            updated_at=order.updated_at,
            closed_at=order.closed_at,
            revision=order.revision,
            value=order,
        )

    @strawberry.field
    def account(self, info: Info) -> Account:
        return Account.named(self.value.account, info.context)

    @strawberry.field
    async def fills(
        self, info: Info, first: int | None = None, after: Cursor | None = None
    ) -> FillConnection:
        wanted = DomainFillFilter(order_id=self.value.id, at_revision=self.revision)
        asked = PageArguments(first=first, after=after)
        return await list_fills(info, FillQuery(wanted=wanted, asked=asked, order=self.value))

    @strawberry.field
    async def history(
        self, info: Info, first: int | None = None, after: Cursor | None = None
    ) -> "OrderUpdateConnection":
        size = PageRequest.of(first).size
        position = None if after is None else LogPosition.decode(after, field="after")
        async with info.context.view(info) as view:
            page = await view.history(self.value, after=position, size=size)
        return OrderUpdateConnection.of(page)


@strawberry.type
class OrderUpdate:
    cursor: Cursor
    kind: OrderUpdateKind
    at: datetime
    previous_status: OrderStatus | None
    order: Order
    fill: Fill | None
    reason: str | None

    @classmethod
    def of(cls, logged: LoggedEvent) -> "OrderUpdate":
        event = logged.event
        return cls(
            cursor=Cursor(logged.position.encode()),
            kind=event.kind,
            at=event.at,
            previous_status=event.previous_status,
            order=Order.of(event.order),
            fill=None if event.fill is None else Fill.of(event.fill, event.order),
            reason=event.reason,
        )


@strawberry.type
class OrderUpdateEdge:
    node: OrderUpdate
    cursor: Cursor


@strawberry.type
class OrderUpdateConnection:
    edges: list[OrderUpdateEdge]
    nodes: list[OrderUpdate]
    page_info: PageInfo

    @classmethod
    def of(cls, page: Page[LoggedEvent]) -> "OrderUpdateConnection":
        nodes = [OrderUpdate.of(logged) for logged in page.items]
        return cls(
            edges=[OrderUpdateEdge(node=node, cursor=node.cursor) for node in nodes],
            nodes=nodes,
            page_info=PageInfo.of(page, [node.cursor for node in nodes]),
        )


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
