"""The kill switch with 8, 34 and 136 positions at a real exchange, and reading them before.

The exchange is the local Binance of the tests, in the same process, with ccxt between.
"""

import argparse
import asyncio
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal
from pathlib import Path
from time import perf_counter

import orjson

from app.domain.risk.clearings import HaltOptions
from app.services.portfolio.positions import PositionFilter
from app.services.risk.scope import HaltScope
from benchmarks.servers import ROOT, ServerFailed
from tests.support.exchanges.wide import (
    ACCOUNT,
    Timings,
    Wide,
    buy,
    percentile,
    trading_widely,
)

NAME = "flatten"
COUNTS = (8, 34, 136)
MARKETS = 140
READS = 20
AT_ONCE = 10
PATIENCE_SECONDS = 180
HEADINGS = (
    "positions",
    "read p50 ms",
    "read most ms",
    "halt answers s",
    "done s",
    "left",
    "weight",
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """What was measured with one number of positions."""

    positions: int
    read_p50: float
    read_most: float
    answered_seconds: float
    done_seconds: float
    left: int
    weight: int


async def measure(positions: int) -> Row:
    with tempfile.TemporaryDirectory(prefix="orderdeck-bench-") as folder:
        url = f"sqlite+aiosqlite:///{folder}/orderdeck.db"
        async with trading_widely(Path(folder), url, markets=MARKETS, held=0) as wide:
            await _buy(wide, positions)
            reads = [await _read(wide) for _ in range(READS)]
            before, began = wide.weight, perf_counter()
            scope = HaltScope.of([ACCOUNT], is_all=True)
            wish = HaltOptions(close_positions=True)
            report = await wide.services.halts.halt(scope, "a benchmark", wish)
            answered = perf_counter() - began
            if report.failed:
                raise ServerFailed(f"not closed: {report.failed[0].refusal.message}")
            while not await _is_over(wide):  # noqa: ASYNC110 - it is polled as a client would
                await asyncio.sleep(0.02)
            return Row(
                positions=positions,
                read_p50=percentile(reads, 0.5),
                read_most=max(reads),
                answered_seconds=answered,
                done_seconds=perf_counter() - began,
                left=sum(not one for one in await _sold(wide, positions)),
                weight=wide.weight - before,
            )


async def _buy(wide: Wide, positions: int) -> None:
    timings = Timings()
    for start in range(0, positions, AT_ONCE):
        numbers = range(start, min(start + AT_ONCE, positions))
        await asyncio.gather(
            *(buy(wide, timings, wide.symbols[number], f"in-{number}") for number in numbers)
        )
    if timings.refused:
        raise ServerFailed(f"not bought: {timings.refused[0]}")


async def _read(wide: Wide) -> float:
    """Read all positions as a query does; returns how many milliseconds it took."""
    services, names, wanted = wide.services, frozenset({ACCOUNT}), PositionFilter()
    await asyncio.sleep(0.3)
    began = perf_counter()
    requests = services.positions.asked_for(names, wanted)
    async with services.consistent_views.open(names, requests, client="a reader") as view:
        found = await services.positions.read(view, wanted)
    if found.problems:
        raise ServerFailed(f"not all is known: {found.problems[0].message}")
    return (perf_counter() - began) * 1000


async def _is_over(wide: Wide) -> bool:
    async with wide.services.views.open(frozenset({ACCOUNT})) as view:
        clearing = (await wide.services.risk.read(view, ACCOUNT)).clearing
    return clearing is not None and clearing.is_done


async def _sold(wide: Wide, positions: int) -> Sequence[bool]:
    """For each position whether less than its market's step is left at the exchange."""
    sold = []
    for symbol in wide.symbols[:positions]:
        listing = wide.venue.books.listings[symbol.replace("/", "")]
        balance = wide.account.balance(listing.base)
        sold.append(balance.free + balance.locked < Decimal(listing.step))
    return sold


def measured(positions: int) -> Row:
    """Measure in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.flatten", str(positions)]
    try:
        done = subprocess.run(
            command, cwd=ROOT, capture_output=True, timeout=PATIENCE_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        raise ServerFailed(f"{NAME} did not finish") from None
    if done.returncode:
        raise ServerFailed(f"{NAME} failed: {done.stderr.decode()[-1000:]}")
    return Row(**orjson.loads(done.stdout.splitlines()[-1]))


def print_table(rows: Sequence[Row]) -> None:
    print(
        "\nhaltTrading(closePositions: true) at a real exchange; positions read one by one before"
    )
    table = [list(HEADINGS)]
    for row in rows:
        timed = (row.read_p50, row.read_most, row.answered_seconds, row.done_seconds)
        numbers = [f"{number:.1f}" for number in timed]
        table.append([str(row.positions), *numbers, str(row.left), str(row.weight)])
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    for cells in table:
        print("  ".join(cell.rjust(width) for cell, width in zip(cells, widths, strict=True)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("positions", type=int)
    row = asyncio.run(measure(parser.parse_args().positions))
    print(orjson.dumps(asdict(row)).decode())


if __name__ == "__main__":
    main()
