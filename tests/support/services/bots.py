"""A bot that buys on paper, and what tests ask about it."""

import asyncio
from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any

from app.domain.bot.bot import Assignment, Bot, Decision
from app.domain.orders.filters import OrderFilter
from app.domain.orders.order import Order
from app.services import Services
from app.services.bot.service import BotPlan
from tests.support.clock import ManualClock

PAPER = frozenset({"paper"})
DCA = Assignment(
    strategy="dollar-cost-averaging",
    symbol="BTC/USDT",
    timeframe="1m",
    parameters={"every": 1, "part": 0.25},
    allocation=Decimal(1000),
)


def plan(services: Services, *assignments: Assignment, **changes: Any) -> BotPlan:
    values: dict[str, Any] = {"cycle_seconds": 10, **changes}
    account = services.accounts.get("paper")
    return BotPlan(account=account, assignments=assignments or None, **values)


async def bot_of(services: Services) -> Bot:
    async with services.views.open(PAPER) as view:
        return await services.bot.read(view)


async def decisions(services: Services) -> list[Decision]:
    """All decisions, oldest first."""
    async with services.views.open(PAPER) as view:
        return list(reversed(await view.decisions(500)))


async def orders(services: Services) -> list[Order]:
    async with services.views.open(PAPER) as view:
        return await view.matching(OrderFilter(accounts=PAPER))


async def until(clock: ManualClock, is_so: Callable[[], Awaitable[object]], *, step: float) -> None:
    for _ in range(200):
        if await is_so():
            return
        await clock.advance(step)
    raise AssertionError("it did not come to be")


async def until_decided(services: Services, clock: ManualClock, count: int) -> list[Decision]:
    async def enough() -> bool:
        return len(await decisions(services)) >= count

    await until(clock, enough, step=5)
    return await decisions(services)


async def patiently(clock: ManualClock, is_so: Callable[[], Awaitable[object]]) -> None:
    """Wait for real processes, which the test's clock does not control."""
    async with asyncio.timeout(30):
        while not await is_so():
            await clock.advance(0.05)
            await asyncio.sleep(0.02)
