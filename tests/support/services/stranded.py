"""A program that prints the pid of a strategy's process and hangs in it, to be killed by a test."""

import asyncio
import os
import sys
from pathlib import Path

from app.clocks import SystemClock
from app.services.bot.strategies import StrategyRunner
from tests.strategies.charts import NOTHING, chart


async def main(folder: Path) -> None:
    runner = StrategyRunner(folder, SystemClock())
    running = asyncio.create_task(runner.run())
    candles = chart([1.0])
    advice = await runner.decide("misfit", candles, NOTHING, {"how": "pid"})
    looping = asyncio.create_task(runner.decide("misfit", candles, NOTHING, {"how": "loop"}))
    await asyncio.sleep(0)
    os.write(1, f"{advice.reason}\n".encode())
    await asyncio.gather(running, looping)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
