"""A program that runs a bot, which dies at a crash point in the middle of a cycle."""

import asyncio
import sys
from decimal import Decimal
from pathlib import Path

from app.domain.bot.bot import Assignment
from app.exchanges.paper.faults import CrashPoint, Faults
from app.runtime import Parts, open_runtime
from app.services import Services
from app.services.bot.service import BotPlan
from app.settings import load_settings
from tests.conftest import START
from tests.support import loops
from tests.support.clock import ManualClock

PATIENCE_MINUTES = 10
PATIENCE_SECONDS = 20
BUYING = Assignment(
    strategy="dollar-cost-averaging",
    symbol="BTC/USDT",
    timeframe="1m",
    parameters={"every": 1, "part": 0.1},
    allocation=Decimal(5000),
)


async def live(database_url: str, folder: Path, point: str) -> None:
    """Trade for three minutes, then die at this crash point of the next order."""
    environ = {
        "ORDERDECK_DATABASE_URL": database_url,
        "ORDERDECK_DATA_DIR": str(folder / "data"),
    }
    clock, faults = ManualClock(START), Faults()
    parts = Parts(clock=clock, faults={"paper": faults})
    async with open_runtime(load_settings(environ, folder), parts) as services:
        account = services.accounts.get("paper")
        await services.bot.start(BotPlan(account=account, assignments=(BUYING,), cycle_seconds=10))
        for minute in range(PATIENCE_MINUTES):
            if minute == 3:
                faults.crash_at.add(CrashPoint(point))
            await until_decided(services, clock, minute)
            await clock.advance(60)


async def until_decided(services: Services, clock: ManualClock, count: int) -> None:
    """Wait for more decisions, which take real time, and advance the clock to the next cycle."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            async with services.views.open(frozenset({"paper"})) as view:
                if len(await view.decisions(500)) > count:
                    return
            await asyncio.sleep(0.05)
            await clock.advance(0.5)


if __name__ == "__main__":
    loops.run(live(sys.argv[1], Path(sys.argv[2]), sys.argv[3]))
