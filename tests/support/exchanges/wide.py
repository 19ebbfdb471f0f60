"""A real account in very many markets: the runtime, ccxt and the local Binance in real time."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from time import perf_counter

from app.clocks import SystemClock
from app.domain.order_kinds import OrderSide, OrderType
from app.domain.orders.requests import OrderRequest
from app.domain.orders.terms import OrderTerms
from app.errors import Denied
from app.primitives.priorities import Priority
from app.runtime import Parts, open_runtime
from app.services import Services
from app.settings import load_settings
from tests.support.venues.binance.running import running_venue
from tests.support.venues.binance.venue import Venue
from tests.support.venues.engine.accounts import Account
from tests.support.venues.engine.listings import coins

ACCOUNT = "main"
_START_SECONDS = 60
# The share of the market's price at which an order waits.
_BELOW = Decimal("0.8")


@dataclass(frozen=True, kw_only=True, slots=True)
class Wide:
    """An account that is connected and in step, and the exchange that it trades at."""

    services: Services
    venue: Venue
    account: Account
    symbols: Sequence[str]

    @property
    def weight(self) -> int:
        """What was spent of the exchange's weights so far."""
        return self.venue.limits.spent.total()

    def waited_milliseconds(self, priority: Priority) -> float:
        """How long a request of this urgency waited in our queue on average."""
        traffic = self.services.accounts.get(ACCOUNT).gateway.traffic
        totals = [total for total in traffic.totals if total.priority == priority.name]
        count = sum(total.count for total in totals)
        return sum(total.waited_seconds for total in totals) * 1000 / count if count else 0.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Timings:
    """How long orders and cancels took, in milliseconds, and which orders were refused."""

    orders: list[float] = field(default_factory=list)
    cancels: list[float] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)


def percentile(values: Sequence[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)]


@asynccontextmanager
async def trading_widely(
    folder: Path, database_url: str, *, markets: int, held: int, **settings: object
) -> AsyncIterator[Wide]:
    """An account that holds coins of `held` markets, at the default limits of requests."""
    listings, clock = coins(markets), SystemClock()
    async with running_venue(clock) as venue:
        for listing in listings:
            venue.list_market(listing)
        account = venue.open_account(ACCOUNT, USDT=10_000_000)
        for listing in listings[:held]:
            account.deposit(listing.base, Decimal(1000))
        async with open_runtime(
            load_settings(_environ(folder, database_url, venue, account, settings), folder),
            Parts(clock=clock),
        ) as services:
            await _until_in_step(services)
            symbols = [f"{listing.base}/{listing.quote}" for listing in listings]
            yield Wide(services=services, venue=venue, account=account, symbols=symbols)


@asynccontextmanager
async def comparing(wide: Wide) -> AsyncIterator[None]:
    """One whole comparison after the other, which lists the closed orders of all markets."""

    async def compare() -> None:
        while True:
            await wide.services.reconciler.reconcile(ACCOUNT)
            await asyncio.sleep(0.01)

    running = asyncio.create_task(compare())
    try:
        yield
        assert not running.done(), "comparing has failed"
    finally:
        running.cancel()
        await asyncio.wait([running])


async def trade(wide: Wide, *, seconds: float, pause_seconds: float) -> Timings:
    """In one market after the other, place an order that waits and cancel it, or buy."""
    timings, began, number = Timings(), perf_counter(), 0
    while perf_counter() - began < seconds:
        symbol = wide.symbols[number % len(wide.symbols)]
        act = buy if number % 2 else place_and_cancel
        await act(wide, timings, symbol, f"order-{number}")
        await asyncio.sleep(pause_seconds)
        number += 1
    return timings


async def buy(wide: Wide, timings: Timings, symbol: str, name: str) -> None:
    await _place(wide, timings, _order(wide, symbol, name, OrderType.MARKET))


async def place_and_cancel(wide: Wide, timings: Timings, symbol: str, name: str) -> None:
    """Place an order that waits, and cancel it."""
    order_id = await _place(wide, timings, _order(wide, symbol, name, OrderType.LIMIT))
    if order_id is not None:
        began = perf_counter()
        await wide.services.orders.cancel(order_id)
        timings.cancels.append((perf_counter() - began) * 1000)


async def _place(wide: Wide, timings: Timings, request: OrderRequest) -> str | None:
    began = perf_counter()
    try:
        placed = await wide.services.orders.place(request)
    except Denied as denied:
        timings.refused.append(f"{denied.refusal.code}: {denied.refusal.message}")
        return None
    timings.orders.append((perf_counter() - began) * 1000)
    return placed.order.id


def _order(wide: Wide, symbol: str, name: str, type: OrderType) -> OrderRequest:
    listing = wide.venue.books.listings[symbol.replace("/", "")]
    return OrderRequest(
        account=ACCOUNT,
        client_order_id=name,
        symbol=symbol,
        terms=OrderTerms(
            side=OrderSide.BUY,
            type=type,
            amount=Decimal(20),
            price=listing.price * _BELOW if type.has_price else None,
        ),
    )


def _environ(
    folder: Path, database_url: str, venue: Venue, account: Account, settings: dict[str, object]
) -> dict[str, str]:
    ccxt = venue.ccxt_settings(account)
    keys = {"api_key": ccxt.pop("apiKey"), "secret": ccxt.pop("secret")}
    main = {"exchange": "binance", "mode": "live", "ccxt": json.dumps(ccxt), **keys}
    known = {"data_dir": folder, "database_url": database_url, **settings}
    known |= {f"accounts__{ACCOUNT}__{name}": value for name, value in main.items()}
    return {f"ORDERDECK_{name.upper()}": str(value) for name, value in known.items()}


async def _until_in_step(services: Services) -> None:
    async with asyncio.timeout(_START_SECONDS):
        while not services.accounts.is_in_step(ACCOUNT):  # noqa: ASYNC110 - nothing announces it
            await asyncio.sleep(0.05)
