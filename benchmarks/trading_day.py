"""A day of trading on paper, by hand and in a moment: what a portfolio says of it, as a table."""

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
from app.settings import Settings, load_settings
from benchmarks.equity_plot import Plot
from tests.support import loops
from tests.support.clock import ManualClock

ACCOUNT = "paper"
NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
# Between the records of a curve that is to be looked at.
FINE = timedelta(minutes=10)
HOURS = 24
# By then what was filled is in the records.
RECORDED_SECONDS = 2
LONGEST_DEADLINE_SECONDS = 10
Trade = tuple[str, str, int, int | None]
# Bought at the one hour and sold at the other, counted from noon.
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
    """Goes through a day in a moment, and lets whoever waits for an answer have it."""

    async def leap(self, seconds: float) -> None:
        """Who would have woken many times meanwhile wakes once, at the end."""
        self._now += timedelta(seconds=seconds)
        await self.advance(0)

    def timeout(self, seconds: float) -> AbstractAsyncContextManager[object]:
        is_deadline = seconds <= LONGEST_DEADLINE_SECONDS
        return asyncio.timeout(seconds) if is_deadline else super().timeout(seconds)


@dataclass(frozen=True, kw_only=True, slots=True)
class Moment:
    """What was placed, and what the portfolio said then."""

    at: datetime
    orders: Sequence[Order]
    portfolio: Portfolio


class TradingDay:
    """Places orders at their hours, and looks at the portfolio at each."""

    def __init__(self, services: Services, clock: DayClock, *, step: timedelta = HOUR) -> None:
        self._services = services
        self._clock = clock
        self._step = step

    async def moments(self) -> AsyncIterator[Moment]:
        await self.portfolio()
        await self._clock.leap(MINUTE.total_seconds())
        for hour in range(HOURS + 1):
            await self._pass_until(NOON + hour * HOUR)
            orders = [await self._place(one, hour) for one in _due(hour)]
            if orders:
                await self._clock.leap(RECORDED_SECONDS)
            yield Moment(at=self._clock.now(), orders=orders, portfolio=await self.portfolio())
        await self._clock.leap(MINUTE.total_seconds())

    async def _pass_until(self, end: datetime) -> None:
        """At each step it is recorded what the account is worth."""
        while (rest := end - self._clock.now()) > timedelta():
            await self._clock.leap(min(rest, self._step).total_seconds())

    async def portfolio(self) -> Portfolio:
        services = self._services
        async with services.views.open(frozenset({ACCOUNT})) as view:
            account = services.accounts.get(ACCOUNT)
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
    """Print the day, and give back the curve that it made."""
    clock = DayClock(NOON - MINUTE)
    async with open_runtime(settings_in(folder), Parts(clock=clock)) as services:
        day = TradingDay(services, clock, step=step)
        print(_line(HEADINGS))
        async for moment in day.moments():
            print(_row(moment))
        portfolio = await day.portfolio()
        print(f"\nperformance  {_told(await day.performance(portfolio))}")
        curve = [f"{point.equity:.0f}" for point in await day.curve(portfolio, 16)]
        print(f"curve        {' '.join(curve)}")
        points = await day.curve(portfolio, MAX_POINTS)
    return Plot(points=points, currency=portfolio.currency)


def _row(moment: Moment) -> str:
    found = moment.portfolio
    numbers = (
        found.equity, found.cash, found.unrealized, found.realized, found.realized_today,
        found.drawdown_percent,
    )  # fmt: skip
    held = ", ".join(
        f"{one.total:f} {one.asset}" for one in found.worths[:3] if one.asset != "USDT"
    )
    return _line((f"{moment.at:%d %H:%M}", *(f"{number:.2f}" for number in numbers), held))


def _line(cells: Sequence[str]) -> str:
    return "  ".join(cell.rjust(10) for cell in cells[:-1]) + f"   {cells[-1]}"


def _told(found: Performance) -> str:
    rate = found.win_rate_percent or Decimal(0)
    return (
        f"{found.trades} trades, {found.wins} won, {found.losses} lost ({rate:.1f} %), factor"
        f" {found.profit_factor or 0:.2f}, fees {found.fees:.2f}, deepest fall"
        f" {found.max_drawdown_percent:.2f} %"
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
