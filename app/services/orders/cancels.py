"""Canceling many orders in parallel, with an outcome for each."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable

from app.domain.orders.order import Order
from app.errors import Denied

SIDE_BY_SIDE = 16


async def cancel_each(
    orders: Iterable[Order], cancel: Callable[[Order], Awaitable[Order]]
) -> tuple[list[Order], list[Denied]]:
    """Return the canceled orders and the refusals; an unexpected error is raised after all ran."""
    slots = asyncio.Semaphore(SIDE_BY_SIDE)

    async def cancel_in_turn(order: Order) -> Order:
        async with slots:
            return await cancel(order)

    canceled: list[Order] = []
    failed: list[Denied] = []
    for outcome in await asyncio.gather(*map(cancel_in_turn, orders), return_exceptions=True):
        match outcome:
            case Order():
                canceled.append(outcome)
            case Denied():
                failed.append(outcome)
            case _:
                raise outcome
    return canceled, failed
