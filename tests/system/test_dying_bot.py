"""kill -9 in the middle of a cycle: no signal is traded twice, and the bot goes on by itself."""

import asyncio
import signal
import sys
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest

from app.domain import money
from app.domain.bot.bot import BotState, Decision, DecisionOutcome, StopOptions
from app.domain.orders.filters import OrderFilter
from app.domain.orders.order import Order, OrderStatus
from app.exchanges.paper.faults import CrashPoint
from app.runtime import Parts, open_runtime
from app.services import Services
from app.settings import load_settings
from tests.conftest import START
from tests.support.clock import ManualClock
from tests.support.processes.dying_bot import BUYING, PATIENCE_MINUTES
from tests.support.services.reading import order_at_exchange

pytestmark = pytest.mark.slow

PAPER = frozenset({"paper"})
# A market order is not matched later, nor does it wait for a trigger.
POINTS = [CrashPoint.ON_ARRIVAL, CrashPoint.BEFORE_BOOKING, CrashPoint.AFTER_BOOKING]
ROOT = Path(__file__).parents[2]


async def decisions(services: Services) -> list[Decision]:
    async with services.views.open(PAPER) as view:
        return list(reversed(await view.decisions(500)))


async def orders(services: Services) -> list[Order]:
    async with services.views.open(PAPER) as view:
        return await view.matching(OrderFilter(accounts=PAPER))


async def is_settled(services: Services, before: int) -> bool:
    async with services.views.open(PAPER) as view:
        bot = await services.bot.read(view)
    known = await orders(services)
    is_quiet = all(one.status is not OrderStatus.IN_DOUBT for one in known)
    return bot.state is BotState.RUNNING and is_quiet and len(known) >= before + 2


async def killed(database_url: str, folder: Path, point: CrashPoint) -> None:
    arguments = ["-m", "tests.support.processes.dying_bot", database_url, str(folder), str(point)]
    process = await asyncio.create_subprocess_exec(sys.executable, *arguments, cwd=ROOT)
    assert await process.wait() == -signal.SIGKILL


@pytest.mark.parametrize(
    ("database_url", "point"),
    [*(("sqlite", point) for point in POINTS), ("postgresql", POINTS[0])],
    indirect=["database_url"],
)
async def test_a_bot_that_dies_in_the_middle_of_a_cycle_trades_no_signal_twice(
    database_url: str, tmp_path: Path, point: CrashPoint
) -> None:
    await killed(database_url, tmp_path, point)
    environ = {
        "ORDERDECK_DATABASE_URL": database_url,
        "ORDERDECK_DATA_DIR": str(tmp_path / "data"),
    }
    clock = ManualClock(START + timedelta(minutes=PATIENCE_MINUTES))
    async with open_runtime(load_settings(environ, tmp_path), Parts(clock=clock)) as services:
        before = len(await orders(services))
        for _ in range(120):
            await clock.advance(5)
            if await is_settled(services, before):
                break
        assert await is_settled(services, before)
        # It waits for an order that is being placed, which would be in only one of the two lists.
        await services.bot.stop(StopOptions())
        made, known = await decisions(services), await orders(services)
        assert max(Counter(one.candle_at for one in made).values()) == 1
        ordered = [one.order_id for one in made if one.outcome is DecisionOutcome.ORDERED]
        assert [one.id for one in known] == ordered
        bought = money.total(one.filled for one in known)
        told = [await order_at_exchange(services, one) for one in known]
        assert money.total(trade.amount for one in told if one for trade in one.fills) == bought
        async with services.views.open(PAPER) as view:
            [position] = await view.positions()
        assert position.holding.amount == bought
        assert {one.strategy for one in known} == {BUYING.strategy}
