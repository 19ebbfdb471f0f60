"""FillFilter: what a client may filter lists of fills by."""

from datetime import datetime

import strawberry

from app.domain.orders.filters import FillFilter as DomainFillFilter
from schema.context import Info
from schema.errors import within
from schema.input_bounds import bounded


@strawberry.input
class FillFilter:
    account: str | None = None
    symbols: list[str] | None = None
    since: datetime | None = None
    until: datetime | None = None

    @within("filter")
    def to_domain(self, info: Info) -> DomainFillFilter:
        context = info.context
        named = None if self.account is None else context.account(self.account)
        return DomainFillFilter(
            accounts=None if named is None else frozenset({named.name}),
            symbols=bounded(self.symbols, field=("symbols",)),
            since=self.since,
            until=self.until,
        )
