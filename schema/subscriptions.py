"""What can be watched."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing

import strawberry

from app.domain.filters import OrderFilter as DomainOrderFilter
from app.domain.tokens import Scope
from app.services.order_log import OrderLog
from app.services.positions import PositionFilter as AnyPosition
from app.services.positions import PositionList as FoundPositions
from schema.context import Info
from schema.order_inputs import OrderFilter, every_order
from schema.orders import OrderUpdate
from schema.portfolios import Portfolio, watch_portfolio
from schema.positions import PositionFilter, PositionList
from schema.scalars import Cursor


@strawberry.type
class Subscription:
    @strawberry.subscription
    async def order_updates(
        self, info: Info, filter: OrderFilter | None = None, after: Cursor | None = None
    ) -> AsyncIterator[OrderUpdate]:
        context = info.context
        context.require(Scope.READ)
        wanted = every_order(context) if filter is None else filter.to_domain(context)
        log = context.services.log
        # Refused before the first update, an unusable cursor ends the operation with an error.
        position = await log.resume(after)
        return _updates(log, position, wanted)

    @strawberry.subscription
    async def position_updates(
        self, info: Info, filter: PositionFilter | None = None
    ) -> AsyncIterator[PositionList]:
        context = info.context
        context.require(Scope.READ)
        wanted = AnyPosition() if filter is None else filter.to_domain(info)
        return _positions(context.services.positions.watch(context.accounts, wanted))

    @strawberry.subscription
    async def portfolio_updates(
        self, info: Info, account: str | None = None, currency: str | None = None
    ) -> AsyncIterator[Portfolio]:
        info.context.require(Scope.READ)
        return await watch_portfolio(info, account, currency)


async def _positions(
    found: AsyncGenerator[FoundPositions, None],
) -> AsyncGenerator[PositionList, None]:
    async with aclosing(found):
        async for positions in found:
            yield PositionList.of(positions)


async def _updates(
    log: OrderLog, position: int, wanted: DomainOrderFilter
) -> AsyncGenerator[OrderUpdate, None]:
    async for logged in log.follow(position, wanted):
        yield OrderUpdate.of(logged)
