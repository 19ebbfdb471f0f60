"""FillFilter: what a client may filter lists of fills by."""

from datetime import datetime

import strawberry

from app.domain.order_kinds import OrderSide, OrderSource
from app.domain.orders.filters import FillFilter as DomainFillFilter
from schema.context import Info
from schema.errors import within
from schema.input_bounds import bounded, text


@strawberry.input
class FillFilter:
    account: str | None = None
    symbols: list[str] | None = None
    side: OrderSide | None = None
    sources: list[OrderSource] | None = None
    strategy: str | None = None
    since: datetime | None = None
    until: datetime | None = None

    @within("filter")
    def to_domain(self, info: Info) -> DomainFillFilter:
        context = info.context
        named = None if self.account is None else context.account(self.account)
        return DomainFillFilter(
            accounts=None if named is None else frozenset({named.name}),
            symbols=bounded(self.symbols, field=("symbols",)),
            side=self.side,
            sources=bounded(self.sources, field=("sources",)),
            strategy=None if self.strategy is None else text(self.strategy, field=("strategy",)),
            since=self.since,
            until=self.until,
        )
