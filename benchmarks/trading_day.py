"""Simulates a day of trades on the paper exchange, and prints the portfolio hour by hour."""

import argparse
import asyncio
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

from app.domain.order_kinds import OrderSide, OrderType
from app.domain.orders.order import Order
from app.domain.orders.requests import OrderRequest
from app.domain.orders.terms import OrderTerms
from app.domain.portfolio.equity_curves import EquityPoint
from app.domain.portfolio.performance import Performance
from app.runtime import Parts, open_runtime
from app.services import Services
from app.services.portfolio.portfolios import MAX_POINTS, CurveRequest, Portfolio
from app.services.portfolio.valuation import ValuationRequest
from app.settings import Settings, load_settings
from benchmarks.equity_plot import Plot
from tests.support import loops
from tests.support.clock import ManualClock

ACCOUNT = "paper"
NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
# The interval of the equity points of a curve that is plotted.
FINE = timedelta(minutes=10)
HOURS = 24
# After this long, fills are in the recorded equity.
RECORDED_SECONDS = 2
LONGEST_DEADLINE_SECONDS = 10
Trade = tuple[str, str, int, int | None]
# Symbol, amount, and the hours after noon at which it is bought and sold.
TRADES: Sequence[Trade] = (
    ("BTC/USDT", "0.05", 0, 3),
    ("ETH/USDT", "0.5", 1, 5),
    ("BTC/USDT", "0.04", 6, 9),
    ("SOL/USDT", "10", 7, 14),
    ("BTC/USDT", "0.06", 13, 17),
    ("ETH/USDT", "0.8", 15, 20),
    ("BTC/USDT", "0.03", 18, None),
)
HEADINGS = ("UTC", "equity", "cash", "unrealized", "realized", "today", "drawdown %", "held")


class DayClock(ManualClock):
    """A clock that leaps over hours; short timeouts take real time, so that answers can arrive."""

    async def leap(self, seconds: float) -> None:
        """Advance in one step: a periodic sleeper wakes once at the end, not many times."""
        self._passed += timedelta(seconds=seconds)
        await self.advance(0)

    def timeout(self, seconds: float) -> AbstractAsyncContextManager[object]:
        is_deadline = seconds <= LONGEST_DEADLINE_SECONDS
        return asyncio.timeout(seconds) if is_deadline else super().timeout(seconds)


@dataclass(frozen=True, kw_only=True, slots=True)
class Moment:
    """The orders of one hour, and the portfolio after them."""

    at: datetime
    orders: Sequence[Order]
    portfolio: Portfolio


class TradingDay:
    """Places the day's orders at their hours, and yields the portfolio at every hour."""

    def __init__(self, services: Services, clock: DayClock, *, step: timedelta = HOUR) -> None:
        self._services = services
        self._clock = clock
        self._step = step

    async def moments(self) -> AsyncIterator[Moment]:
        await self.portfolio()
        await self._clock.leap(MINUTE.total_seconds())
        for hour in range(HOURS + 1):
            await self._pass_until(NOON + hour * HOUR)
            orders = [await self._place(trade, hour) for trade in _due(hour)]
            if orders:
                await self._clock.leap(RECORDED_SECONDS)
            yield Moment(at=self._clock.now(), orders=orders, portfolio=await self.portfolio())
        await self._clock.leap(MINUTE.total_seconds())

    async def _pass_until(self, end: datetime) -> None:
        """Advance in steps, at each of which the equity is recorded."""
        while (rest := end - self._clock.now()) > timedelta():
            await self._clock.leap(min(rest, self._step).total_seconds())

    async def portfolio(self) -> Portfolio:
        services = self._services
        account = services.accounts.get(ACCOUNT)
        request = ValuationRequest(account=account)
        async with services.consistent_views.open(frozenset({ACCOUNT}), [request]) as view:
            return await services.portfolios.read(view, account, None)

    async def curve(self, portfolio: Portfolio, points: int) -> Sequence[EquityPoint]:
        wanted = CurveRequest(since=None, until=None, points=points)
        async with self._services.views.open(frozenset({ACCOUNT})) as view:
            return await self._services.portfolios.curve(view, portfolio, wanted)

    async def performance(self, portfolio: Portfolio) -> Performance:
        async with self._services.views.open(frozenset({ACCOUNT})) as view:
            return await self._services.portfolios.performance(view, portfolio, None)

    async def _place(self, trade: Trade, hour: int) -> Order:
        symbol, amount, bought, _ = trade
        is_buy = hour == bought
        request = OrderRequest(
            account=ACCOUNT,
            client_order_id=f"{symbol.partition('/')[0]}-{hour}-{'buy' if is_buy else 'sell'}",
            symbol=symbol,
            terms=OrderTerms(
                side=OrderSide.BUY if is_buy else OrderSide.SELL,
                type=OrderType.MARKET,
                amount=Decimal(amount),
            ),
        )
        return (await self._services.orders.place(request)).order


def _due(hour: int) -> list[Trade]:
    return [trade for trade in TRADES if hour in trade[2:]]


def settings_in(folder: Path) -> Settings:
    environ = {
        "ORDERDECK_DATABASE_URL": f"sqlite+aiosqlite:///{folder / 'orderdeck.db'}",
        "ORDERDECK_DATA_DIR": str(folder),
    }
    return load_settings(environ, folder)


async def show(folder: Path, *, step: timedelta) -> Plot:
    """Print the day, and return its equity curve as a plot."""
    clock = DayClock(NOON - MINUTE)
    async with open_runtime(settings_in(folder), Parts(clock=clock)) as services:
        day = TradingDay(services, clock, step=step)
        print(_line(HEADINGS))
        async for moment in day.moments():
            print(_row(moment))
        portfolio = await day.portfolio()
        print(f"\nperformance  {_summary(await day.performance(portfolio))}")
        curve = [f"{point.equity:.0f}" for point in await day.curve(portfolio, 16)]
        print(f"curve        {' '.join(curve)}")
        points = await day.curve(portfolio, MAX_POINTS)
    return Plot(points=points, currency=portfolio.currency)


def _row(moment: Moment) -> str:
    portfolio = moment.portfolio
    numbers = (
        portfolio.equity, portfolio.cash, portfolio.unrealized, portfolio.realized,
        portfolio.realized_today, portfolio.drawdown_percent,
    )  # fmt: skip
    held = ", ".join(
        f"{worth.total:f} {worth.asset}" for worth in portfolio.worths[:3] if worth.asset != "USDT"
    )
    return _line((f"{moment.at:%d %H:%M}", *(f"{number:.2f}" for number in numbers), held))


def _line(cells: Sequence[str]) -> str:
    return "  ".join(cell.rjust(10) for cell in cells[:-1]) + f"   {cells[-1]}"


def _summary(result: Performance) -> str:
    rate = result.win_rate_percent or Decimal(0)
    return (
        f"{result.trades} trades, {result.wins} won, {result.losses} lost ({rate:.1f} %), factor"
        f" {result.profit_factor or 0:.2f}, fees {result.fees:.2f}, deepest fall"
        f" {result.max_drawdown_percent:.2f} %"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--plot", type=Path, metavar="FILE", help="draw the equity curve, as SVG")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="leave the database there")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments.keep or Path(temporary)
        plot = loops.run(show(folder, step=FINE if arguments.plot else HOUR))
    if arguments.plot:
        arguments.plot.write_text(plot.svg())


if __name__ == "__main__":
    main()
