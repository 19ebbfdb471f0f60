"""Performance: round trips won and lost, profit factor, drawdown, Sharpe ratio and fees."""

import itertools
import math
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from app.domain import money
from app.domain.portfolio.equity_curves import EquityPoint, max_drawdown_percent

LEAST_DAYS = 30
_DAYS_OF_A_YEAR = 365
# The float deviation of returns that are all equal.
_NOISE = 1e-12
_DAY = timedelta(days=1)


@dataclass(frozen=True, kw_only=True, slots=True)
class Performance:
    """The statistics of an account's round trips and of its equity curve."""

    trades: int
    wins: int
    losses: int
    win_rate_percent: Decimal | None
    profit_factor: Decimal | None
    average_win: Decimal | None
    average_loss: Decimal | None
    max_drawdown_percent: Decimal
    sharpe: Decimal | None
    fees: Decimal


def performance_of(
    results: Sequence[Decimal], points: Sequence[EquityPoint], fees: Decimal
) -> Performance:
    """The statistics; a trade with a result of exactly 0 is neither won nor lost."""
    won = [result for result in results if result > money.ZERO]
    lost = [result for result in results if result < money.ZERO]
    return Performance(
        trades=len(results),
        wins=len(won),
        losses=len(lost),
        win_rate_percent=_percent(len(won), len(results)),
        profit_factor=_profit_factor(won, lost),
        average_win=_average(won),
        average_loss=_average(lost),
        max_drawdown_percent=max_drawdown_percent(points),
        sharpe=sharpe(daily_closes(points)),
        fees=fees,
    )


def daily_closes(points: Iterable[EquityPoint]) -> Sequence[Decimal]:
    """The unit value at the end of each UTC day; a day without a record repeats the last one."""
    closes: dict[date, Decimal] = {point.at.date(): point.value for point in points if point.units}
    if not closes:
        return []
    first, last = min(closes), max(closes)
    filled = [closes[first]]
    for number in range(1, (last - first).days + 1):
        filled.append(closes.get(first + number * _DAY, filled[-1]))
    return filled


def sharpe(closes: Sequence[Decimal]) -> Decimal | None:
    """The annualized Sharpe ratio of daily returns; None if there are too few, or all equal."""
    if len(closes) < LEAST_DAYS or min(closes) <= money.ZERO:
        return None
    days = [float(close) for close in closes]
    returns = [after / before - 1 for before, after in itertools.pairwise(days)]
    deviation = statistics.stdev(returns)
    if deviation < _NOISE:
        return None
    ratio = statistics.fmean(returns) / deviation * math.sqrt(_DAYS_OF_A_YEAR)
    return Decimal(f"{ratio:.4f}")


def _profit_factor(won: Sequence[Decimal], lost: Sequence[Decimal]) -> Decimal | None:
    if not lost:
        return None
    return money.divide(money.total(won), money.total(lost).copy_abs())


def _average(results: Sequence[Decimal]) -> Decimal | None:
    return money.divide(money.total(results), Decimal(len(results))) if results else None


def _percent(part: int, whole: int) -> Decimal | None:
    if not whole:
        return None
    return money.percent(Decimal(part), Decimal(whole))
