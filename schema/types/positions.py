"""Positions with their valuation, the queries that read them, and the inputs that close them."""

from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Annotated, cast

import strawberry

from app.domain.order_kinds import PositionType
from app.domain.orders.filters import OrderFilter, OrderSort
from app.domain.orders.requests import OrderRequest
from app.domain.portfolio.positions import PositionKey
from app.domain.portfolio.valuations import PositionSide, ValuedPosition
from app.services.portfolio import positions as services
from app.services.portfolio.position_actions import unknown_position
from app.services.portfolio.valuation import ValuationRequest
from app.services.reads import View
from schema import ids
from schema.context import Info
from schema.errors import within
from schema.input_bounds import bounded
from schema.scalars import JSON, Cursor
from schema.types.accounts import Account
from schema.types.nodes import Node
from schema.types.order_inputs import as_metadata
from schema.types.order_results import OrderConnection, list_name
from schema.types.orders import Refusal
from schema.types.pages import PageArguments, timed_page
from schema.types.problems import Problem

strawberry.enum(PositionSide)


@strawberry.type
class Position(Node):
    id: strawberry.ID
    symbol: str
    type: PositionType
    side: PositionSide
    amount: Decimal
    entry_price: Decimal | None
    mark_price: Decimal | None
    mark_price_at: datetime | None
    notional: Decimal | None
    unrealized_pnl: Decimal | None
    unrealized_pnl_percent: Decimal | None
    realized_pnl: Decimal
    leverage: Decimal | None
    margin: Decimal | None
    liquidation_price: Decimal | None
    dust: bool
    metadata: JSON
    opened_at: datetime | None
    updated_at: datetime
    key: strawberry.Private[PositionKey]

    @classmethod
    def of(cls, valued: ValuedPosition) -> "Position":
        mark, holding, key = valued.mark, valued.holding, valued.key
        exposure = valued.exposure
        return cls(
            id=ids.encode_position(key),
            symbol=key.symbol,
            type=key.type,
            side=valued.side,
            amount=valued.amount.copy_abs(),
            entry_price=valued.entry_price,
            mark_price=None if mark is None else mark.price,
            mark_price_at=None if mark is None else mark.at,
            notional=valued.notional,
            unrealized_pnl=valued.unrealized,
            unrealized_pnl_percent=valued.unrealized_percent,
            realized_pnl=holding.realized,
            leverage=None if exposure is None else exposure.leverage,
            margin=None if exposure is None else exposure.margin,
            liquidation_price=None if exposure is None else exposure.liquidation_price,
            dust=valued.is_dust,
            metadata=cast("JSON", dict(valued.position.metadata)),
            opened_at=holding.opened_at,
            updated_at=valued.position.updated_at,
            key=key,
        )

    @strawberry.field
    def account(self, info: Info) -> Account:
        return Account.named(self.key.account, info.context)

    @strawberry.field
    async def orders(
        self, info: Info, first: int | None = None, after: Cursor | None = None
    ) -> OrderConnection:
        sort = OrderSort.CREATED_AT_DESC
        request = timed_page(list_name(sort), PageArguments(first=first, after=after))
        wanted = OrderFilter(
            accounts=frozenset({self.key.account}),
            symbols=frozenset({self.key.symbol}),
            position_type=self.key.type,
        )
        async with info.context.view(info) as view:
            return OrderConnection.of(await view.orders(wanted, sort, request), sort)


@strawberry.type
class PositionList:
    nodes: list[Position]
    problems: list[Problem]
    as_of: Cursor

    @classmethod
    def of(cls, found: services.PositionList) -> "PositionList":
        return cls(
            nodes=[Position.of(position) for position in found.nodes],
            problems=[Problem.of(problem) for problem in found.problems],
            as_of=Cursor(found.as_of.encode()),
        )


@strawberry.input
class PositionFilter:
    account: str | None = None
    symbols: list[str] | None = None
    type: PositionType | None = None

    @within("filter")
    def to_domain(self, info: Info) -> services.PositionFilter:
        context = info.context
        named = None if self.account is None else context.account(self.account)
        return services.PositionFilter(
            accounts=None if named is None else frozenset({named.name}),
            symbols=bounded(self.symbols, field=("symbols",)),
            type=self.type,
        )


async def list_positions(info: Info, filter: PositionFilter | None) -> PositionList:
    wanted = services.PositionFilter() if filter is None else filter.to_domain(info)
    context = info.context
    positions = context.services.positions
    async with context.view(info, positions.asked_for(context.accounts, wanted)) as view:
        return PositionList.of(await positions.read(view, wanted))


async def find_position(info: Info, key: str) -> Position | None:
    wanted = ids.decode_position(key)
    if wanted is None or wanted.account not in info.context.accounts:
        return None
    async with info.context.view(info, _requests(info, wanted)) as view:
        found = await info.context.services.positions.find(view, wanted)
    return None if found is None else Position.of(found)


@strawberry.type
class PositionSuccess:
    position: Position


PositionResult = Annotated[PositionSuccess | Refusal, strawberry.union("PositionResult")]


@strawberry.input
class ClosePositionInput:
    id: strawberry.ID
    amount: Decimal | None = None
    client_order_id: str | None = None
    close_external: bool = False


async def closing_request(info: Info, input: ClosePositionInput) -> OrderRequest:
    """The order that closes a position; a repeat of a client order id yields the first order."""
    context = info.context
    orders, keeper = context.services.orders, context.services.position_actions
    name = input.client_order_id or orders.new_client_order_id()
    key = _known_key(info, input.id)
    async with context.view(info, _requests(info, key)) as view:
        held = await _existing_position(view, info, key)
        known = await view.order_by_client_id(held.key.account, name)
    return await keeper.closing(
        held, input.amount, name, known=known, is_external=input.close_external
    )


async def set_metadata(info: Info, id: strawberry.ID, metadata: JSON) -> PositionSuccess:
    context = info.context
    key = _known_key(info, id)
    async with context.view(info, _requests(info, key)) as view:
        held = await _existing_position(view, info, key)
    changed = await context.services.position_actions.set_metadata(held.key, as_metadata(metadata))
    return PositionSuccess(position=Position.of(replace(held, position=changed)))


def _known_key(info: Info, id: strawberry.ID) -> PositionKey:
    key = ids.decode_position(ids.decode(id, ids.Kind.POSITION))
    if key is None or key.account not in info.context.accounts:
        raise unknown_position()
    return key


def _requests(info: Info, key: PositionKey) -> list[ValuationRequest]:
    return [ValuationRequest(account=info.context.services.accounts.get(key.account))]


async def _existing_position(view: View, info: Info, key: PositionKey) -> ValuedPosition:
    held = await info.context.services.positions.find(view, key)
    if held is None:
        raise unknown_position()
    return held
