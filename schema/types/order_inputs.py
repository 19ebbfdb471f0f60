"""Inputs about orders: filters, and requests to place, amend and cancel them."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, cast

import strawberry

from app.domain.order_kinds import (
    OrderSide,
    OrderSource,
    OrderType,
    PositionType,
    TimeInForce,
    implied_position_type,
)
from app.domain.orders import filters as domain
from app.domain.orders.amendments import Amendment
from app.domain.orders.order import OrderStatus
from app.domain.orders.requests import OrderRequest
from app.domain.orders.terms import OrderTerms
from app.errors import Denied, Refusal, RefusalCode
from schema import ids
from schema.context import Context
from schema.errors import within
from schema.input_bounds import bounded, text
from schema.scalars import JSON


@strawberry.input
class OrderFilter:
    account: str | None = None
    symbols: list[str] | None = None
    statuses: list[OrderStatus] | None = None
    open: bool | None = None
    side: OrderSide | None = None
    types: list[OrderType] | None = None
    sources: list[OrderSource] | None = None
    strategy: str | None = None
    client_order_ids: list[str] | None = None
    created_after: datetime | None = None
    created_before: datetime | None = None

    @within("filter")
    def to_domain(self, context: Context) -> domain.OrderFilter:
        return domain.OrderFilter(
            accounts=_accounts(self.account, context),
            symbols=bounded(self.symbols, field=("symbols",)),
            statuses=bounded(self.statuses, field=("statuses",)),
            open=self.open,
            side=self.side,
            types=bounded(self.types, field=("types",)),
            sources=bounded(self.sources, field=("sources",)),
            strategy=None if self.strategy is None else text(self.strategy, field=("strategy",)),
            client_order_ids=bounded(self.client_order_ids, field=("clientOrderIds",)),
            created_after=self.created_after,
            created_before=self.created_before,
        )


def every_order(context: Context) -> domain.OrderFilter:
    return domain.OrderFilter(accounts=context.accounts)


def _accounts(name: str | None, context: Context) -> frozenset[str]:
    if name is None:
        return context.accounts
    return frozenset({context.account(name).name})


@strawberry.input
class PlaceOrderInput:
    account: str | None = None
    client_order_id: str | None = None
    symbol: str
    side: OrderSide
    type: OrderType
    amount: Decimal
    price: Decimal | None = None
    trigger_price: Decimal | None = None
    time_in_force: TimeInForce | None = TimeInForce.GTC
    reduce_only: bool | None = False
    position_type: PositionType | None = None
    leverage: Decimal | None = None
    metadata: JSON | None = None

    def to_domain(self, context: Context) -> OrderRequest:
        account = context.account(self.account)
        symbol = text(self.symbol, field=("symbol",))
        given = self.client_order_id
        return OrderRequest(
            account=account.name,
            client_order_id=context.services.orders.new_client_order_id()
            if given is None
            else given,
            symbol=symbol,
            terms=self._terms(symbol),
            metadata=as_metadata(self.metadata),
        )

    def _terms(self, symbol: str) -> OrderTerms:
        return OrderTerms(
            side=self.side,
            type=self.type,
            amount=self.amount,
            price=self.price,
            trigger_price=self.trigger_price,
            time_in_force=self.time_in_force or TimeInForce.GTC,
            reduce_only=bool(self.reduce_only),
            position_type=self.position_type or implied_position_type(symbol),
            leverage=self.leverage,
        )


def as_metadata(value: JSON | None) -> Mapping[str, Any]:
    """The value as it is: orders check the shape of metadata themselves."""
    return {} if value is None else cast("Mapping[str, Any]", value)


@strawberry.input
class AmendOrderInput:
    id: strawberry.ID
    amount: Decimal | None = None
    price: Decimal | None = None
    trigger_price: Decimal | None = None

    def to_domain(self) -> Amendment:
        return Amendment(amount=self.amount, price=self.price, trigger_price=self.trigger_price)


@strawberry.input
class CancelOrderInput:
    id: strawberry.ID | None = None
    client_order_id: str | None = None
    account: str | None = None

    def reference(self) -> "OrderReference":
        return OrderReference.of(self.id, self.client_order_id, self.account)


@strawberry.input
class CancelAllOrdersInput:
    account: str | None = None
    symbol: str | None = None
    sources: list[OrderSource] | None = strawberry.field(
        default_factory=lambda: [OrderSource.API, OrderSource.BOT]
    )

    @within("input")
    def to_domain(self, context: Context) -> domain.OrderFilter:
        sources = bounded(self.sources, field=("sources",))
        symbol = None if self.symbol is None else text(self.symbol, field=("symbol",))
        return domain.OrderFilter(
            accounts=_accounts(self.account, context),
            symbols=None if symbol is None else frozenset({symbol}),
            sources=frozenset({OrderSource.API, OrderSource.BOT}) if sources is None else sources,
            open=True,
        )


class OrderReference:
    """Names one order, by its id or by its client order id on an account."""

    def __init__(self, order_id: str | None, client_order_id: str, account: str | None) -> None:
        self.order_id = order_id
        self.client_order_id = client_order_id
        self.account = account

    @classmethod
    def of(
        cls, given_id: str | None, client_order_id: str | None, account: str | None
    ) -> "OrderReference":
        if (given_id is None) == (client_order_id is None):
            raise _invalid("id", "give exactly one of id and clientOrderId")
        if account is not None and client_order_id is None:
            raise _invalid("account", "account belongs to clientOrderId: leave it out with an id")
        order_id = None if given_id is None else ids.decode(given_id, ids.Kind.ORDER)
        return cls(order_id, client_order_id or "", account)


def _invalid(field: str, message: str) -> Denied:
    return Denied(Refusal(code=RefusalCode.INVALID_INPUT, message=message, field=(field,)))
