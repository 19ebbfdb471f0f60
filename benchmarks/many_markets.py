"""Orders at a real exchange's rate limit while its many markets are compared all the while.

The exchange is the local Binance of the tests, in the same process, with ccxt between.
"""

import argparse
import asyncio
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import orjson

from app.primitives.priorities import Priority
from benchmarks.servers import ROOT, ServerFailed
from tests.support.exchanges.wide import comparing, percentile, trade, trading_widely

PREFIX = "markets-"
COUNTS = (5, 50, 200)
# A comparison of 200 markets takes longer than the other measurements.
LEAST_SECONDS = 20.0
PATIENCE_SECONDS = 120
PAUSE_SECONDS = 0.05
HEADINGS = (
    "markets", "orders", "refused", "p50 ms", "p99 ms", "cancel p50", "cancel p99",
    "order queued ms", "cancel queued ms", "comparison queued ms", "weight/s",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """What was measured with one number of markets."""

    markets: int
    orders: int
    refused: int
    order_p50: float
    order_p99: float
    cancel_p50: float
    cancel_p99: float
    order_queued: float
    cancel_queued: float
    comparison_queued: float
    weight: float


async def measure(markets: int, seconds: float) -> Row:
    with tempfile.TemporaryDirectory(prefix="orderdeck-bench-") as folder:
        url = f"sqlite+aiosqlite:///{folder}/orderdeck.db"
        async with trading_widely(Path(folder), url, markets=markets, held=markets) as wide:
            before = wide.weight
            async with comparing(wide):
                timings = await trade(wide, seconds=seconds, pause_seconds=PAUSE_SECONDS)
            return Row(
                markets=markets,
                orders=len(timings.orders),
                refused=len(timings.refused),
                order_p50=percentile(timings.orders, 0.5),
                order_p99=percentile(timings.orders, 0.99),
                cancel_p50=percentile(timings.cancels, 0.5),
                cancel_p99=percentile(timings.cancels, 0.99),
                order_queued=wide.waited_milliseconds(Priority.ORDER),
                cancel_queued=wide.waited_milliseconds(Priority.CANCEL),
                comparison_queued=wide.waited_milliseconds(Priority.COMPARISON),
                weight=(wide.weight - before) / seconds,
            )


def measured(markets: int, seconds: float) -> Row:
    """Measure in a process of its own."""
    seconds = max(seconds, LEAST_SECONDS)
    command = [sys.executable, "-m", "benchmarks.many_markets", str(markets), str(seconds)]
    try:
        done = subprocess.run(
            command, cwd=ROOT, capture_output=True, timeout=seconds + PATIENCE_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        raise ServerFailed(f"{PREFIX}{markets} did not finish") from None
    if done.returncode:
        raise ServerFailed(f"{PREFIX}{markets} failed: {done.stderr.decode()[-1000:]}")
    return Row(**orjson.loads(done.stdout.splitlines()[-1]))


def print_table(rows: Sequence[Row]) -> None:
    print("\nplaceOrder and cancelOrder at a real exchange, beside one comparison after the other")
    table = [list(HEADINGS)]
    for row in rows:
        counted = [str(row.markets), str(row.orders), str(row.refused)]
        timed = (
            row.order_p50, row.order_p99, row.cancel_p50, row.cancel_p99, row.order_queued,
            row.cancel_queued, row.comparison_queued,
        )  # fmt: skip
        table.append([*counted, *(f"{number:.1f}" for number in timed), f"{row.weight:.0f}"])
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    for cells in table:
        print("  ".join(cell.rjust(width) for cell, width in zip(cells, widths, strict=True)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("markets", type=int)
    parser.add_argument("seconds", type=float)
    arguments = parser.parse_args()
    row = asyncio.run(measure(arguments.markets, arguments.seconds))
    print(orjson.dumps(asdict(row)).decode())


if __name__ == "__main__":
    main()
