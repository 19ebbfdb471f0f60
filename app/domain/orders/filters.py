"""OrderFilter, FillFilter and OrderSort: which orders and fills a list contains, and sorted how."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from app.domain.order_kinds import OrderSide, OrderSource, OrderType, PositionType
from app.domain.orders.order import Order, OrderStatus


@dataclass(frozen=True, kw_only=True, slots=True)
class OrderFilter:
    """Every field that is set must match; an empty set matches nothing."""

    accounts: frozenset[str] | None = None
    symbols: frozenset[str] | None = None
    statuses: frozenset[OrderStatus] | None = None
    open: bool | None = None
    side: OrderSide | None = None
    types: frozenset[OrderType] | None = None
    sources: frozenset[OrderSource] | None = None
    strategy: str | None = None
    position_type: PositionType | None = None
    client_order_ids: frozenset[str] | None = None
    created_after: datetime | None = None
    created_before: datetime | None = None

    def matches(self, order: Order) -> bool:
        return all(
            (
                self.accounts is None or order.account in self.accounts,
                self.symbols is None or order.symbol in self.symbols,
                self.statuses is None or order.status in self.statuses,
                self.open is None or order.is_open is self.open,
                self.side is None or order.side is self.side,
                self.types is None or order.type in self.types,
                self.sources is None or order.source in self.sources,
                self.strategy is None or order.strategy == self.strategy,
                self.position_type is None or order.position_type is self.position_type,
                self.client_order_ids is None or order.client_order_id in self.client_order_ids,
                self.created_after is None or order.created_at >= self.created_after,
                self.created_before is None or order.created_at < self.created_before,
            )
        )

    def matches_change(self, previous: OrderStatus | None, order: Order) -> bool:
        """Whether the order matches before or after a change; only its status differs."""
        if self.matches(order):
            return True
        return previous is not None and self.matches(replace(order, status=previous))

    def by_account(self) -> "Sequence[OrderFilter]":
        """The same filter for each of its accounts alone."""
        if self.accounts is None or len(self.accounts) < 2:
            return [self]
        return [replace(self, accounts=frozenset({name})) for name in sorted(self.accounts)]


@dataclass(frozen=True, kw_only=True, slots=True)
class FillFilter:
    """Every field that is set must match."""

    accounts: frozenset[str] | None = None
    order_id: str | None = None
    symbols: frozenset[str] | None = None
    side: OrderSide | None = None
    # Of orders that were placed by these, or by this strategy.
    sources: frozenset[OrderSource] | None = None
    strategy: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    # The fills as of this revision of the order.
    at_revision: int | None = None

    def by_account(self) -> "Sequence[FillFilter]":
        """The same filter for each of its accounts alone."""
        if self.accounts is None or len(self.accounts) < 2:
            return [self]
        return [replace(self, accounts=frozenset({name})) for name in sorted(self.accounts)]


class OrderSort(StrEnum):
    """How a list of orders is sorted."""

    CREATED_AT_ASC = "CREATED_AT_ASC"
    CREATED_AT_DESC = "CREATED_AT_DESC"
    UPDATED_AT_ASC = "UPDATED_AT_ASC"
    UPDATED_AT_DESC = "UPDATED_AT_DESC"
