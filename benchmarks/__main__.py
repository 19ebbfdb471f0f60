"""Runs the benchmarks of placing and fan-out against both servers, and prints a table for each."""

import argparse
import math
import signal
import statistics
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, fields, replace
from functools import partial
from typing import Any

import orjson

from benchmarks import crowds, flatten, histories, machine, many_markets, memory
from benchmarks.load import Result, Target
from benchmarks.servers import BASELINE, PRODUCT, ROOT, Server, ServerFailed, running
from tests.support.history.building import HistorySize

NAMES = (BASELINE, PRODUCT)
# Time allowed to a client process beyond its measurement, for connecting, warm-up and stalls.
PATIENCE_SECONDS = 120
BUSY_SHARE = 0.8
SHOWN_ERRORS = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class Benchmark:
    """One kind of load, and how its table is labeled."""

    name: str
    title: str
    what: str
    clients: int
    unit: str
    rate: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """Which benchmarks to run, how many rounds, and how long each."""

    benchmarks: Sequence[Benchmark]
    with_histories: bool
    # The numbers of markets to trade in at a real exchange, once each.
    markets: Sequence[int]
    with_memory: bool
    with_flatten: bool
    with_crowds: bool
    rounds: int
    seconds: float
    subscribers: int


_NUMBERS = [each.name for each in fields(Result) if each.type is float]
Results = dict[tuple[str, str], list[Result]]


def main() -> int:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    plan = _plan()
    print(machine.describe())
    print(f"{plan.rounds} rounds of {plan.seconds:g} s, the servers in turns; medians of rounds")
    results: Results = {}
    try:
        for number in range(plan.rounds if plan.benchmarks else 0):
            for name in NAMES if number % 2 == 0 else reversed(NAMES):
                _measure(name, plan, results)
        by_history = _measure_histories(plan) if plan.with_histories else {}
        tables = _measure_others(plan)
        taken = memory.measure(plan.rounds, plan.subscribers) if plan.with_memory else None
    except ServerFailed as error:
        print(f"FAILED: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    for benchmark in plan.benchmarks:
        _print_table(benchmark, results)
    if by_history:
        histories.print_table(by_history)
        results |= {(histories.NAME, str(size.orders)): found for size, found in by_history.items()}
    for print_table in tables:
        print_table()
    if taken is not None:
        memory.print_table(taken)
    return _report_errors(results, () if taken is None else taken.errors)


def _measure_others(plan: Plan) -> list[Callable[[], None]]:
    """What has no rounds; returns what prints the tables."""
    tables: list[Callable[[], None]] = []
    if plan.markets:
        traded = [many_markets.measured(count, plan.seconds) for count in plan.markets]
        tables.append(partial(many_markets.print_table, traded))
    if plan.with_flatten:
        flattened = [flatten.measured(count) for count in flatten.COUNTS]
        tables.append(partial(flatten.print_table, flattened))
    if plan.with_crowds:
        tables.append(partial(crowds.print_table, crowds.measure()))
    return tables


def _measure_histories(plan: Plan) -> dict[HistorySize, list[Result]]:
    [placing] = [each for each in _benchmarks(0) if each.name == "place-1"]
    results: dict[HistorySize, list[Result]] = {}
    with histories.prepared() as files:
        for _ in range(plan.rounds):
            for size, path in files.items():
                with running(PRODUCT, path) as server:
                    results.setdefault(size, []).append(_load(server, placing, plan.seconds))
    return results


def _measure(name: str, plan: Plan, results: Results) -> None:
    with running(name) as server:
        for benchmark in plan.benchmarks:
            if sys.stderr.isatty():
                print(f"\r\033[K{name}: {benchmark.name} ...", end="", file=sys.stderr, flush=True)
            result = _load(server, benchmark, plan.seconds)
            results.setdefault((benchmark.name, name), []).append(result)
    if sys.stderr.isatty():
        print("\r\033[K", end="", file=sys.stderr, flush=True)


def _load(server: Server, benchmark: Benchmark, seconds: float) -> Result:
    """Run one benchmark from a client process that is pinned to another core than the server."""
    target = Target(
        port=server.port,
        pid=server.pid,
        token=server.token,
        updates_per_order=server.updates_per_order,
    )
    command = [
        *(sys.executable, "-m", "benchmarks.load", benchmark.what),
        *("--clients", str(benchmark.clients), "--seconds", str(seconds)),
    ]
    with subprocess.Popen(
        command,
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    ) as process:
        try:
            machine.pin(process.pid, machine.cores()[1])
            output, errors = process.communicate(
                orjson.dumps(asdict(target)), timeout=seconds + PATIENCE_SECONDS
            )
        except subprocess.TimeoutExpired:
            raise ServerFailed(f"{benchmark.name} of {server.name} did not finish") from None
        finally:
            process.kill()
    if process.returncode:
        words = errors.decode()[-1000:]
        raise ServerFailed(f"{benchmark.name} of {server.name} could not be measured: {words}")
    return Result(**orjson.loads(output))


def _print_table(benchmark: Benchmark, results: Results) -> None:
    rate, unit = benchmark.rate, benchmark.unit
    headings = ["", rate, "ratio", "p50 ms", "p99 ms", f"server us/{unit}", "server CPU"]
    table = [[*headings, "client CPU", f"{rate} of each round"]]
    medians = {name: _median(results[benchmark.name, name]) for name in NAMES}
    for name, median in medians.items():
        ratio = median.rate / medians[BASELINE].rate
        rounds = "  ".join(f"{each.rate:.0f}" for each in results[benchmark.name, name])
        table.append([name, f"{median.rate:.0f}", f"{ratio:.2f}x", *_details(median), rounds])
    print(f"\n{benchmark.title}")
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    for first, *cells in table:
        numbers = (cell.rjust(width) for cell, width in zip(cells, widths[1:], strict=True))
        print("  ".join((f"  {first.ljust(widths[0])}", *numbers)))
    for name, median in medians.items():
        if benchmark.what == "watch":
            print(
                f"  {name}: the last subscriber has the last update after {median.last_ms:.0f} ms"
            )
        if median.client_share > BUSY_SHARE:
            print(f"  {name}: its clients were too busy, it may be faster than this")


def _details(median: Result) -> list[str]:
    return [
        f"{median.p50_ms:.1f}",
        f"{median.p99_ms:.1f}",
        f"{median.server_us:.0f}",
        f"{median.server_share:.0%}",
        f"{median.client_share:.0%}",
    ]


def _median(rounds: Sequence[Result]) -> Result:
    """The median of each number; one that could not be measured is null in JSON, and NaN here."""
    values = [asdict(each) for each in rounds]
    middle: dict[str, Any] = {
        name: statistics.median(math.nan if each[name] is None else each[name] for each in values)
        for name in _NUMBERS
    }
    return replace(rounds[0], **middle)


def _report_errors(results: Results, more: Sequence[str]) -> int:
    found = len(more)
    for error in more[:SHOWN_ERRORS]:
        print(f"ERROR in {memory.NAME}: {error}", file=sys.stderr)
    for (benchmark, name), rounds in results.items():
        errors = [error for each in rounds for error in each.errors]
        found += len(errors)
        for error in errors[:SHOWN_ERRORS]:
            print(f"ERROR in {benchmark} of {name}: {error}", file=sys.stderr)
    print(f"\n{found or 'no'} errors in all answers and deliveries")
    return 1 if found else 0


def _plan() -> Plan:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "names",
        nargs="*",
        metavar="NAME",
        help="place-1, place-16, fan-out, history, memory, flatten, crowds, markets-5, markets-50,"
        " markets-200",
    )
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=4.0, help="of each measurement")
    parser.add_argument("--subscribers", type=int, default=1000)
    arguments = parser.parse_args()
    known = {benchmark.name: benchmark for benchmark in _benchmarks(arguments.subscribers)}
    counts = {f"{many_markets.PREFIX}{count}": count for count in many_markets.COUNTS}
    every = [*known, histories.NAME, memory.NAME, flatten.NAME, crowds.NAME, *counts]
    if unknown := set(arguments.names) - set(every):
        parser.error(f"unknown: {', '.join(sorted(unknown))}; known: {', '.join(every)}")
    names = arguments.names or every
    return Plan(
        benchmarks=[known[name] for name in names if name in known],
        with_histories=histories.NAME in names,
        with_memory=memory.NAME in names,
        with_flatten=flatten.NAME in names,
        with_crowds=crowds.NAME in names,
        markets=[counts[name] for name in names if name in counts],
        rounds=arguments.rounds,
        seconds=arguments.seconds,
        subscribers=arguments.subscribers,
    )


def _benchmarks(subscribers: int) -> list[Benchmark]:
    placing = [
        Benchmark(
            name=f"place-{clients}",
            title=f"placeOrder, {clients} at once, each answered after a durable commit",
            what="place",
            clients=clients,
            unit="order",
            rate="orders/s",
        )
        for clients in (1, 16)
    ]
    watching = Benchmark(
        name="fan-out",
        title=f"orderUpdates to {subscribers:,} subscribers, 12 fields, one order at a time"
        f" ({PRODUCT} sends 3 updates an order, {BASELINE} 1)",
        what="watch",
        clients=subscribers,
        unit="delivery",
        rate="deliveries/s",
    )
    return [*placing, watching]


if __name__ == "__main__":
    sys.exit(main())
