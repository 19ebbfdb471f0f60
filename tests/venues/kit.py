"""The kit that an exchange must pass to be traded live: `make venue VENUE=okx`.

It says what is missing, and then runs everything there is for this exchange: its local server, the
contract of every adapter, its faults and streams, and the storm with kills.
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from app.exchanges.ccxt.rows.table import QUIRKS
from tests.exchanges.codes import CODES
from tests.support.venues.every_venue import VENUES

ROOT = Path(__file__).parents[2]
CONTRACTS = (
    "tests/exchanges/test_gateway_contract.py",
    "tests/exchanges/test_gateway_amendments.py",
    "tests/exchanges/test_amendment_contract.py",
    "tests/exchanges/test_clock_contract.py",
    "tests/exchanges/test_fault_contract.py",
    "tests/exchanges/test_stream_contract.py",
    "tests/exchanges/test_market_contract.py",
)
STORM = "tests/system/test_real_crash.py"


def missing(exchange: str) -> Iterator[str]:
    """What an exchange still needs, in the order in which to write it."""
    if exchange not in VENUES:
        yield f"a local server: tests/support/venues/{exchange}/venue.py, and a line in every_venue"
    if exchange not in QUIRKS:
        yield f"a row of what is particular: app/exchanges/ccxt/rows/{exchange}.py, and in table.py"
    if exchange not in CODES:
        yield (
            f"what its own codes prove of an order: tests/exchanges/{exchange}/codes.py, and a line"
            " in tests/exchanges/codes.py"
        )
    for path, what in (
        (f"tests/venues/{exchange}", "tests of the local server itself"),
        (f"tests/exchanges/{exchange}", "tests of what is particular about it"),
        (f"tests/exchanges/captured/{exchange}", "a page of each kind of message"),
    ):
        if not (ROOT / path).exists():
            yield f"{what}: {path}"


def tests_of(exchange: str) -> Sequence[str]:
    """The tests' folders, and the parameters by which the shared ones are picked."""
    own = (f"tests/venues/{exchange}", f"tests/exchanges/{exchange}")
    return [*own, *CONTRACTS, STORM]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("exchange")
    exchange = parser.parse_args().exchange
    lacking = list(missing(exchange))
    if lacking:
        words = "\n- ".join([f"{exchange} is not ready to be traded live. It needs:", *lacking])
        sys.stdout.write(f"{words}\n")
        return 1
    # The shared tests have the exchange's name in their parameters, its own in their path.
    return pytest.main([*tests_of(exchange), "-k", exchange])


if __name__ == "__main__":
    sys.exit(main())
