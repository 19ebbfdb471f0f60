"""Reads what a test asserts on: an order's events, and the order at its exchange."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from app.domain.orders.events import OrderEvent
from app.domain.orders.order import Order
from app.domain.orders.reports import OrderKey, OrderReport
from app.services import Services
from app.storage.database import Database, Snapshot
from tests.support.clock import ManualClock


async def events_of(services: Services, order: Order) -> list[OrderEvent]:
    async with services.views.open(frozenset({order.account})) as view:
        latest = await view.order(order.id)
        assert latest is not None
        page = await view.history(latest, after=None, size=500)
    return [logged.event for logged in page.items]


async def kinds_of(services: Services, order: Order) -> list[str]:
    return [str(event.kind) for event in await events_of(services, order)]


async def advance_until(
    clock: ManualClock, services: Services, order: Order, kind: str, *, seconds: int = 120
) -> list[str]:
    """Advance the clock until the order has an event of this kind; returns all kinds until then."""
    for _ in range(seconds):
        kinds = await kinds_of(services, order)
        if kind in kinds:
            return kinds
        await clock.advance(1)
    raise AssertionError(f"no {kind} within {seconds} s: {await kinds_of(services, order)}")


async def order_at_exchange(services: Services, order: Order) -> OrderReport | None:
    key = OrderKey(symbol=order.symbol, wire_id=order.wire_id, exchange_order_id=None)
    return await services.accounts.get(order.account).gateway.find(key)


class Counted(Database):
    """A database that counts its snapshots, and how many were open at once."""

    begun = 0
    now = 0
    most = 0

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[Snapshot]:
        self.begun += 1
        self.now += 1
        self.most = max(self.most, self.now)
        try:
            async with super().snapshot() as view:
                yield view
        finally:
            self.now -= 1
