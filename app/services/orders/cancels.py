"""Canceling many orders: side by side, with an account of each."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable

from app.domain.orders.order import Order
from app.errors import Denied

SIDE_BY_SIDE = 16


async def cancel_each(
    orders: Iterable[Order], cancel: Callable[[Order], Awaitable[Order]]
) -> tuple[list[Order], list[Denied]]:
    """Those that were canceled and those that were not; all are tried before a fault is raised."""
    lane = asyncio.Semaphore(SIDE_BY_SIDE)

    async def one(order: Order) -> Order:
        async with lane:
            return await cancel(order)

    canceled: list[Order] = []
    failed: list[Denied] = []
    for outcome in await asyncio.gather(*map(one, orders), return_exceptions=True):
        match outcome:
            case Order():
                canceled.append(outcome)
            case Denied():
                failed.append(outcome)
            case _:
                raise outcome
    return canceled, failed
