"""Canceling many orders in parallel."""

import asyncio
from collections.abc import Sequence

import pytest

from app.domain.orders import refusals
from app.domain.orders.order import Order
from app.errors import StorageUnavailable
from app.services.orders.cancels import SIDE_BY_SIDE, cancel_each
from tests.support.makers import make_order

MANY = SIDE_BY_SIDE * 3


def orders(count: int = MANY) -> Sequence[Order]:
    return [make_order(id=f"{number:026d}") for number in range(count)]


def ids(told: Sequence[Order]) -> list[str]:
    return [order.id for order in told]


async def test_so_many_are_canceled_at_a_time_and_no_more() -> None:
    under_way, most = 0, 0

    async def cancel(order: Order) -> Order:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0)
        under_way -= 1
        return order

    assert await cancel_each(orders(), cancel) == (orders(), [])
    assert most == SIDE_BY_SIDE


async def test_each_is_accounted_for_in_the_order_of_all_whichever_ends_first() -> None:
    ended = {order.id: asyncio.Event() for order in orders(4)}

    async def cancel(order: Order) -> Order:
        later = f"{int(order.id) + 1:026d}"
        if later in ended:
            await ended[later].wait()
        ended[order.id].set()
        if int(order.id) % 2:
            raise refusals.already_closed(order)
        return order

    canceled, failed = await cancel_each(orders(4), cancel)
    assert ids(canceled) == ids(orders(4))[::2]
    assert [denied.existing_order for denied in failed] == list(orders(4))[1::2]


async def test_one_that_cannot_be_tried_keeps_no_other_from_being_tried() -> None:
    tried: list[Order] = []

    async def cancel(order: Order) -> Order:
        tried.append(order)
        await asyncio.sleep(0)
        if order.id == tried[0].id:
            raise StorageUnavailable("the database does not answer")
        return order

    with pytest.raises(StorageUnavailable):
        await cancel_each(orders(), cancel)
    assert ids(tried) == ids(orders())


async def test_a_caller_that_goes_away_ends_all_that_are_under_way() -> None:
    begun = asyncio.Event()
    ended: list[Order] = []

    async def cancel(order: Order) -> Order:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(order)
        return order

    asking = asyncio.create_task(cancel_each(orders(), cancel))
    await begun.wait()
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert ids(ended) == ids(orders(SIDE_BY_SIDE))
