"""Measures how long queries take while strategies misbehave, and while the bot is stopped.

Run with `python -m benchmarks.strategies`.
"""

import asyncio
import statistics
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path

from app.domain.bot.bot import Assignment, StopOptions
from app.runtime import open_runtime
from app.services import Services
from app.services.bot.service import BotPlan
from app.settings import load_settings

SECONDS = 15.0
PAUSE_SECONDS = 0.01
SOURCE = """
from app.strategies.interface import Advice, Strategy, hold


class Busy(Strategy):
    name = "{name}"
    description = "Is of no use."

    def candles_needed(self, parameters):
        return 10

    def decide(self, candles, held, parameters):
        {act}
        return hold("at last")
"""
ACTS = {
    "loops": "while True: pass",
    "throws": "raise RuntimeError('no')",
    "eats": "x = []\n        while True: x.append(bytearray(1 << 24))",
    "babbles": "return 'buy, perhaps'",
}


@asynccontextmanager
async def _running() -> AsyncIterator[Services]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "own").mkdir()
        for strategy, act in ACTS.items():
            source = SOURCE.format(name=strategy, act=act)
            (folder / "own" / f"{strategy}.py").write_text(source)
        environ = {
            "ORDERDECK_DATA_DIR": str(folder / "data"),
            "ORDERDECK_STRATEGIES_DIR": str(folder / "own"),
        }
        async with open_runtime(load_settings(environ, folder)) as services:
            yield services


async def _queries(services: Services) -> list[float]:
    """Run queries for a while; returns the milliseconds that each took."""
    took, until = [], time.perf_counter() + SECONDS
    while time.perf_counter() < until:
        began = time.perf_counter()
        async with services.views.open(frozenset({"paper"})) as view:
            await view.positions()
            await services.bot.read(view)
        took.append((time.perf_counter() - began) * 1000)
        await asyncio.sleep(PAUSE_SECONDS)
    return took


async def _start(services: Services) -> None:
    assignments = tuple(
        Assignment(strategy=name, symbol=symbol, timeframe="1m", allocation=Decimal(10))
        for name, symbol in zip(ACTS, ("BTC/USDT", "ETH/USDT", "SOL/USDT", "BTC/USDT"), strict=True)
    )
    account = services.accounts.get("paper")
    await services.bot.start(BotPlan(account=account, assignments=assignments, cycle_seconds=1))


def _print_row(name: str, took: list[float], base: list[float]) -> None:
    cuts = statistics.quantiles(took, n=100)
    ratio = statistics.median(took) / statistics.median(base)
    print(
        f"{name:24} {len(took):5} queries  median {cuts[49]:6.2f} ms  99 % {cuts[98]:6.2f} ms"
        f"  worst {max(took):6.2f} ms  median x {ratio:.2f}"
    )


async def main() -> None:
    """Measure before, during and after, so that other load on the machine affects both cases."""
    async with _running() as services:
        rest = await _queries(services)
        await _start(services)
        busy = await _queries(services)
        await services.bot.stop(StopOptions())
        again = await _queries(services)
        async with services.views.open(frozenset({"paper"})) as view:
            made = await view.decisions(20)
    base = rest + again
    _print_row("the bot rests", base, base)
    _print_row("strategies misbehave", busy, base)
    for reason in sorted({(decision.strategy, decision.reason) for decision in made}):
        print("  ", *reason)


if __name__ == "__main__":
    asyncio.run(main())
