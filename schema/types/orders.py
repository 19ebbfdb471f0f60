"""The GraphQL types Order, Fill, OrderUpdate and Refusal, which refer to each other."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

import strawberry

from app.domain.fills import Fee as DomainFee
from app.domain.fills import Fill as DomainFill
from app.domain.order_kinds import OrderSide, OrderSource, OrderType, PositionType, TimeInForce
from app.domain.orders import order as domain
from app.domain.orders.events import LoggedEvent, LogPosition
from app.domain.orders.filters import FillFilter as DomainFillFilter
from app.domain.orders.filters import OrderSort
from app.domain.orders.order import OrderStatus, OrderUpdateKind
from app.domain.pages import Page, PageRequest
from app.errors import Denied, RefusalCode
from app.errors import Refusal as DomainRefusal
from schema import ids
from schema.context import Info
from schema.scalars import JSON, Cursor
from schema.types.accounts import Account
from schema.types.nodes import Node
from schema.types.pages import PageArguments, PageInfo, timed_page

strawberry.enum(OrderSide)
strawberry.enum(OrderType)
strawberry.enum(TimeInForce)
strawberry.enum(PositionType)
strawberry.enum(OrderSource)
strawberry.enum(OrderStatus)
strawberry.enum(OrderUpdateKind)
strawberry.enum(OrderSort, name="OrderOrder")
strawberry.enum(RefusalCode)

_FILLS = "fills"


@strawberry.type
class Fee:
    currency: str
    amount: Decimal

    @classmethod
    def of(cls, fee: DomainFee) -> "Fee":
        return cls(currency=fee.currency, amount=fee.amount)


@strawberry.type
class Fill(Node):
    id: strawberry.ID
    exchange_trade_id: str | None
    synthesized: bool
    symbol: str
    side: OrderSide
    price: Decimal
    amount: Decimal
    cost: Decimal
    fee: Fee | None
    is_maker: bool | None
    at: datetime
    account_name: strawberry.Private[str]
    order_key: strawberry.Private[str]
    known_order: strawberry.Private[domain.Order | None] = None

    @classmethod
    def of(cls, fill: DomainFill, order: domain.Order | None = None) -> "Fill":
        return cls(
            id=ids.encode(ids.Kind.FILL, fill.id),
            exchange_trade_id=fill.exchange_trade_id,
            synthesized=fill.is_synthesized,
            symbol=fill.symbol,
            side=fill.side,
            price=fill.price,
            amount=fill.amount,
            cost=fill.cost,
            fee=None if fill.fee is None else Fee.of(fill.fee),
            is_maker=fill.is_maker,
            at=fill.at,
            account_name=fill.account,
            order_key=fill.order_id,
            known_order=order,
        )

    @strawberry.field
    def account(self, info: Info) -> Account:
        return Account.named(self.account_name, info.context)

    @strawberry.field
    async def order(self, info: Info) -> "Order":
        if self.known_order is not None:
            return Order.of(self.known_order)
        async with info.context.view(info) as view:
            return Order.of(await view.order_of_fill(self.order_key))


@strawberry.type
class FillEdge:
    node: Fill
    cursor: Cursor


@strawberry.type
class FillConnection:
    edges: list[FillEdge]
    nodes: list[Fill]
    page_info: PageInfo

    @classmethod
    def of(
        cls, page: Page[DomainFill], list_name: str, order: domain.Order | None = None
    ) -> "FillConnection":
        cursors = [ids.encode_place(list_name, (fill.at, fill.id)) for fill in page.items]
        nodes = [Fill.of(fill, order) for fill in page.items]
        return cls(
            edges=[
                FillEdge(node=node, cursor=cursor)
                for node, cursor in zip(nodes, cursors, strict=True)
            ],
            nodes=nodes,
            page_info=PageInfo.of(page, cursors),
        )


@strawberry.type
class Refusal:
    code: RefusalCode
    message: str
    field: list[str] | None
    retryable: bool
    order: strawberry.Private[domain.Order | None]

    @classmethod
    def of(cls, refusal: DomainRefusal, order: domain.Order | None = None) -> "Refusal":
        return cls(
            code=refusal.code,
            message=refusal.message,
            field=None if refusal.field is None else list(refusal.field),
            retryable=refusal.retryable,
            order=order,
        )

    @classmethod
    def of_denied(cls, denied: Denied) -> "Refusal":
        order = denied.existing_order
        known = order if isinstance(order, domain.Order) else None
        return cls.of(denied.refusal, known)

    @strawberry.field
    def existing_order(self) -> "Order | None":
        return None if self.order is None else Order.of(self.order)


@dataclass(frozen=True, kw_only=True, slots=True)
class FillQuery:
    """A list of fills, of one order or of all, and the page that is asked for."""

    wanted: DomainFillFilter
    asked: PageArguments
    order: domain.Order | None = None

    @property
    def list_name(self) -> str:
        return _FILLS if self.order is None else f"{_FILLS}:{self.order.id}"


async def list_fills(info: Info, query: FillQuery) -> FillConnection:
    request = timed_page(query.list_name, query.asked)
    async with info.context.view(info) as view:
        page = await view.fills(query.wanted, request)
    return FillConnection.of(page, query.list_name, query.order)


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
    exchange_type: str | None
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
            exchange_type=order.exchange_type,
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
