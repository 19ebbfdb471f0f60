"""Simulates a day of the bot on the paper exchange, with every built-in strategy.

Run with `python -m benchmarks.bot_day`.
"""

import asyncio
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

from app.domain.bot.bot import Assignment, Decision
from app.domain.orders.filters import OrderFilter
from app.domain.orders.order import Order
from app.runtime import Parts, open_runtime
from app.services import Services
from app.services.bot.service import BotPlan
from app.services.portfolio.portfolios import Portfolio
from app.services.portfolio.valuation import ValuationRequest
from benchmarks.trading_day import ACCOUNT, NOON, DayClock, settings_in
from tests.support import loops

CANDLE = timedelta(minutes=15)
DAY = timedelta(hours=24)
PATIENCE_SECONDS = 30
NAMES = frozenset({ACCOUNT})
ASSIGNMENTS = tuple(
    Assignment(
        strategy=strategy,
        symbol=symbol,
        timeframe="15m",
        parameters=parameters,
        allocation=Decimal(2000),
    )
    for strategy, symbol, parameters in (
        ("moving-average-cross", "BTC/USDT", {"fast": 3, "slow": 8}),
        ("rsi-reversion", "ETH/USDT", {"period": 7, "buy_below": 35, "sell_above": 65}),
        ("donchian-breakout", "SOL/USDT", {"entry": 4, "exit": 2}),
        ("dollar-cost-averaging", "BTC/USDT", {"every": 8, "part": 0.05}),
    )
)


@dataclass(frozen=True, kw_only=True, slots=True)
class BotDay:
    """The decisions and orders of the day, and the portfolio at its end."""

    decisions: Sequence[Decision]
    orders: Sequence[Order]
    portfolio: Portfolio


async def traded(folder: Path, span: timedelta = DAY) -> BotDay:
    """Run the bot from noon on, candle by candle."""
    clock = DayClock(NOON)
    async with open_runtime(settings_in(folder), Parts(clock=clock)) as services:
        account = services.accounts.get(ACCOUNT)
        plan = BotPlan(account=account, assignments=ASSIGNMENTS, cycle_seconds=60)
        await services.bot.start(plan)
        for _ in range(span // CANDLE):
            await clock.leap(CANDLE.total_seconds())
            await _until_cycle_done(services, clock)
        request = ValuationRequest(account=account)
        async with services.consistent_views.open(NAMES, [request]) as view:
            return BotDay(
                decisions=list(reversed(await view.decisions(10_000))),
                orders=await view.matching(OrderFilter(accounts=NAMES)),
                portfolio=await services.portfolios.read(view, account, None),
            )


async def _until_cycle_done(services: Services, clock: DayClock) -> None:
    """Wait until the bot has finished a cycle for the candle that has just closed."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            async with services.views.open(NAMES) as view:
                began = (await services.bot.read(view)).last_cycle_at
            if began is not None and began >= clock.now():
                return
            await clock.advance(0)


def _show(day: BotDay) -> None:
    for order in day.orders:
        print(
            f"{order.created_at:%d %H:%M}  {order.strategy or '':22} {order.side:4}"
            f" {order.filled:>10f} {order.symbol:9} at {order.average_price:f}"
        )
    counted = Counter((decision.strategy, str(decision.outcome)) for decision in day.decisions)
    for (strategy, outcome), count in sorted(counted.items()):
        print(f"{strategy:24} {outcome:8} {count:4}")
    end = day.portfolio
    print(f"equity {end.equity:f}  realized {end.realized:f}  unrealized {end.unrealized:f}")


async def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        _show(await traded(Path(folder)))


if __name__ == "__main__":
    loops.run(main())
