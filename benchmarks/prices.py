"""Measures fetching 50 prices, 100 ms each, one after the other and concurrently.

Run with `python -m benchmarks.prices`.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, cast

from app.clocks import SystemClock
from app.domain.accounts import AccountMode
from app.domain.markets.markets import Ticker
from app.services.accounts import AccountEntry
from app.services.markets.market_data import MarketDataService
from app.services.markets.price_lookup import fetch_prices
from app.services.markets.stream_registry import StreamRegistry

SYMBOLS = [f"C{number}/USDT" for number in range(50)]
ANSWER_SECONDS = 0.1
ROUNDS = 5


class SlowPrices:
    """A gateway with slow prices and nothing else; it never answers for the symbol `never`."""

    market_set = "slow"

    def __init__(self, never: str | None = None) -> None:
        self._never = never

    async def tickers(self, symbols: Sequence[str]) -> Mapping[str, Ticker]:
        await asyncio.sleep(3600 if self._never in symbols else ANSWER_SECONDS)
        return {symbol: _ticker(symbol) for symbol in symbols}


def _ticker(symbol: str) -> Ticker:
    at, price = datetime.now(UTC), Decimal(7)
    return Ticker(
        symbol=symbol, bid=price, ask=price, last=price, percentage=None, quote_volume=None, at=at
    )


def _account(gateway: SlowPrices) -> AccountEntry:
    return AccountEntry(
        name="main",
        exchange="slow",
        mode=AccountMode.PAPER,
        max_open_orders=None,
        answer_seconds=10,
        gateway=cast("Any", gateway),
    )


async def _one_by_one() -> None:
    prices = SlowPrices()
    for symbol in SYMBOLS:
        await prices.tickers([symbol])


async def _at_once(never: str | None = None) -> None:
    clock = SystemClock()
    market_data = MarketDataService(StreamRegistry([], clock), clock)
    fetched = await fetch_prices(market_data, _account(SlowPrices(never)), SYMBOLS)
    assert len(fetched.tickers) == len(SYMBOLS) - (never is not None)


async def _measure(act: Callable[[], Awaitable[None]], rounds: int) -> float:
    """The median duration of some rounds, in seconds."""
    taken = []
    for _ in range(rounds):
        begun = time.perf_counter()
        await act()
        taken.append(time.perf_counter() - begun)
    return sorted(taken)[rounds // 2]


async def _main() -> None:
    slow = await _measure(_one_by_one, 1)
    print(f"{'way':<28}{'seconds':>10}{'ratio':>10}")
    for name, act, rounds in (
        ("one after the other", _one_by_one, 0),
        ("side by side", _at_once, ROUNDS),
        ("one is never answered", lambda: _at_once(SYMBOLS[7]), 1),
    ):
        seconds = slow if not rounds else await _measure(act, rounds)
        print(f"{name:<28}{seconds:>10.3f}{slow / seconds:>9.1f}x")


if __name__ == "__main__":
    asyncio.run(_main())
