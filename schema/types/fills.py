"""Fills and lists of them."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated

import strawberry

from app.domain import fills as domain
from app.domain.orders import order as domain_orders
from app.domain.orders.filters import FillFilter as DomainFillFilter
from app.domain.orders.order import OrderSide
from app.domain.pages import Page
from schema import ids
from schema.context import Info
from schema.errors import within
from schema.input_bounds import bounded
from schema.scalars import Cursor
from schema.types.accounts import Account
from schema.types.nodes import Node
from schema.types.pages import PageArguments, PageInfo, timed_page

if TYPE_CHECKING:
    from schema.types.orders import Order

_LIST = "fills"


@strawberry.type
class Fee:
    currency: str
    amount: Decimal

    @classmethod
    def of(cls, fee: domain_orders.Fee) -> "Fee":
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
    fee: Fee | None
    is_maker: bool | None
    at: datetime
    account_name: strawberry.Private[str]
    order_key: strawberry.Private[str]
    known_order: strawberry.Private[domain_orders.Order | None] = None

    @classmethod
    def of(cls, fill: domain.Fill, order: domain_orders.Order | None = None) -> "Fill":
        return cls(
            id=ids.encode(ids.Kind.FILL, fill.id),
            exchange_trade_id=fill.exchange_trade_id,
            synthesized=fill.is_synthesized,
            symbol=fill.symbol,
            side=fill.side,
            price=fill.price,
            amount=fill.amount,
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
    async def order(self, info: Info) -> Annotated["Order", strawberry.lazy("schema.types.orders")]:
        from schema.types.orders import Order  # noqa: PLC0415  orders have fills and fills have orders

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
        cls, page: Page[domain.Fill], list_name: str, order: domain_orders.Order | None = None
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


@strawberry.input
class FillFilter:
    account: str | None = None
    symbols: list[str] | None = None
    since: datetime | None = None
    until: datetime | None = None

    @within("filter")
    def to_domain(self, info: Info) -> DomainFillFilter:
        context = info.context
        accounts = context.services.accounts
        named = None if self.account is None else accounts.resolve(self.account, context.viewer)
        return DomainFillFilter(
            accounts=None if named is None else frozenset({named.name}),
            symbols=bounded(self.symbols, field=("symbols",)),
            since=self.since,
            until=self.until,
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class FillQuery:
    """Which list of fills, and which part of it."""

    wanted: DomainFillFilter
    asked: PageArguments
    order: domain_orders.Order | None = None

    @property
    def list_name(self) -> str:
        return _LIST if self.order is None else f"{_LIST}:{self.order.id}"


async def list_fills(info: Info, query: FillQuery) -> FillConnection:
    request = timed_page(query.list_name, query.asked)
    async with info.context.view(info) as view:
        page = await view.fills(query.wanted, request)
    return FillConnection.of(page, query.list_name, query.order)
