"""Orders of somebody else on the same account, as they are taken in."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from app.domain.order_kinds import OrderSource
from app.domain.orders.order import Order, OrderStatus
from tests.lifecycle.exchange import KnownExchange
from tests.lifecycle.test_findings import LIMIT, exchange, kinds_of, path, process
from tests.lifecycle.world import Process
from tests.support.clock import ManualClock

__all__ = ["exchange", "path", "process"]


async def only_external(process: Process) -> Order:
    [order] = [one for one in await process.all_orders() if one.source is OrderSource.EXTERNAL]
    return order


async def test_an_open_order_is_imported_once_with_what_it_has_traded(
    process: Process, exchange: KnownExchange
) -> None:
    exchange.place_elsewhere(Decimal(5))
    [held] = exchange.held.values()
    exchange.fill(held, Decimal(2), Decimal(90))
    first = await process.sync.compare()
    again = await process.sync.compare()
    order = await only_external(process)
    assert list(first.imported) == [order.id]
    assert (again.imported, again.changed) == ({}, {})
    assert (order.filled, order.status) == (Decimal(2), OrderStatus.PARTIALLY_FILLED)
    assert await kinds_of(process, order) == ["IMPORTED", "FILL"]


async def test_one_that_opened_and_closed_while_nobody_looked_is_imported_as_closed(
    process: Process, exchange: KnownExchange, clock: ManualClock
) -> None:
    await process.orders.place(LIMIT)
    exchange.place_elsewhere(Decimal(5))
    [_, held] = exchange.held.values()
    exchange.fill(held, Decimal(5), Decimal(90))
    await clock.advance(timedelta(hours=1).total_seconds())
    await process.sync.compare()
    order = await only_external(process)
    assert order.status is OrderStatus.FILLED
    assert await kinds_of(process, order) == ["IMPORTED", "FILL"]


async def test_it_is_followed_and_can_be_canceled_like_ours(
    process: Process, exchange: KnownExchange
) -> None:
    exchange.place_elsewhere(Decimal(5))
    await process.sync.compare()
    order = await only_external(process)
    canceled = await process.orders.cancel(order.id)
    assert canceled.status is OrderStatus.CANCELED
    assert [held.status for held in exchange.held.values()] == [OrderStatus.CANCELED]


async def test_a_name_that_we_use_already_stays_ours(
    process: Process, exchange: KnownExchange
) -> None:
    exchange.place_elsewhere(Decimal(5))
    [held] = exchange.held.values()
    taken = held.intent.wire_id
    await process.orders.place(replace(LIMIT, client_order_id=taken))
    await process.sync.compare()
    order = await only_external(process)
    assert order.client_order_id.startswith("ext-")


async def test_a_name_that_somebody_uses_again_is_another_order(
    process: Process, exchange: KnownExchange
) -> None:
    exchange.place_elsewhere(Decimal(5))
    [first] = exchange.held.values()
    await process.sync.compare()
    first.status = OrderStatus.CANCELED
    again = exchange.place_again(first)
    await process.sync.compare()
    orders = [one for one in await process.all_orders() if one.source is OrderSource.EXTERNAL]
    assert [(one.exchange_order_id, one.status) for one in orders] == [
        (first.name, OrderStatus.CANCELED),
        (again.name, OrderStatus.OPEN),
    ]
