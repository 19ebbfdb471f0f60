"""What an order costs as the history grows: orderdeck on databases with ever more orders."""

import statistics
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.load import Result
from benchmarks.servers import DATABASE, empty_database
from tests.support.history.building import EVENTS_EACH, HistorySize, build

NAME = "history"
SIZES = (
    HistorySize(orders=0, deep_fills=0, equity_points=0, decisions=0),
    HistorySize(orders=25_000, deep_fills=2_000, equity_points=2_000, decisions=10_000),
    HistorySize(),
)


@contextmanager
def prepared() -> Iterator[Mapping[HistorySize, Path]]:
    """A database file for each size, whose history ends now."""
    with tempfile.TemporaryDirectory(prefix="orderdeck-history-") as folder:
        template = empty_database(Path(folder, "empty"))
        files = {size: Path(folder, str(size.orders), DATABASE) for size in SIZES}
        for size, path in files.items():
            path.parent.mkdir()
            path.write_bytes(template.read_bytes())
            if size.orders:
                build(path, template, size, datetime.now(UTC))
        yield files


def print_table(results: Mapping[HistorySize, Sequence[Result]]) -> None:
    print("\nplaceOrder, 1 at once, as the history grows: 4 events an order, up to 20,000 fills in")
    print("the market that is traded; ratios to the empty database")
    headings = ("orders before", "events", "p50 ms", "p99 ms", "ratio", "server us/order", "ratio")
    rows = [headings]
    first = _medians(results[SIZES[0]])
    for size in SIZES:
        p50, p99, cost = _medians(results[size])
        rows.append(
            (
                f"{size.orders:,}", f"{EVENTS_EACH * size.orders:,}", f"{p50:.1f}", f"{p99:.1f}",
                f"{p99 / first[1]:.2f}x", f"{cost:.0f}", f"{cost / first[2]:.2f}x",
            )
        )  # fmt: skip
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        print("  " + "  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)))


def _medians(rounds: Sequence[Result]) -> tuple[float, float, float]:
    return (
        statistics.median(each.p50_ms for each in rounds),
        statistics.median(each.p99_ms for each in rounds),
        statistics.median(each.server_us for each in rounds),
    )
