import random
import statistics
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.domain.portfolio.equity_curves import EquityPoint
from app.domain.portfolio.performance import Performance, daily_closes, performance_of, sharpe

AT = datetime(2026, 1, 5, 12, tzinfo=UTC)
ZERO = Decimal(0)
FEES = Decimal("1.5")


def of(*results: str) -> Performance:
    return performance_of([Decimal(one) for one in results], [], FEES)


def daily(equities: Sequence[object]) -> list[EquityPoint]:
    return [
        EquityPoint(at=AT + timedelta(days=number), equity=Decimal(str(one)))
        for number, one in enumerate(equities)
    ]


def test_trades_are_counted_and_averaged() -> None:
    found = of("30", "-10", "10", "-5.5", "0")
    assert (found.trades, found.wins, found.losses) == (5, 2, 2)
    assert found.win_rate_percent == Decimal(40)
    assert found.profit_factor == Decimal("2.580645161290322581")
    assert (found.average_win, found.average_loss) == (Decimal(20), Decimal("-7.75"))
    assert found.fees == FEES


def test_without_trades_there_is_nothing_to_average() -> None:
    found = of()
    assert (found.trades, found.wins, found.losses) == (0, 0, 0)
    assert found.win_rate_percent is found.profit_factor is None
    assert found.average_win is found.average_loss is found.sharpe is None
    assert found.max_drawdown_percent == 0


def test_without_losses_there_is_no_profit_factor_and_without_wins_it_is_nothing() -> None:
    assert of("1", "0").profit_factor is None
    assert of("-1").profit_factor == 0
    assert of("-1").win_rate_percent == 0


@settings(max_examples=50)
@given(results=st.lists(st.decimals(-(10**9), 10**9, places=8), min_size=1, max_size=30))
def test_averages_and_counts_add_up(results: list[Decimal]) -> None:
    found = performance_of(results, [], FEES)
    assert found.wins + found.losses + results.count(Decimal(0)) == found.trades == len(results)
    assert found.win_rate_percent is not None
    assert 0 <= found.win_rate_percent <= 100
    won = (found.average_win or ZERO) * found.wins
    lost = (found.average_loss or ZERO) * found.losses
    assert abs(won + lost - sum(results, ZERO)) < Decimal("0.0000000001")


def test_a_day_closes_with_its_last_point_and_one_without_any_as_the_one_before() -> None:
    points = [
        EquityPoint(at=AT, equity=Decimal(1)),
        EquityPoint(at=AT.replace(hour=23, minute=59), equity=Decimal(2)),
        EquityPoint(at=AT + timedelta(days=1), equity=Decimal(3)),
        EquityPoint(at=AT + timedelta(days=4), equity=Decimal(4)),
    ]
    assert daily_closes(points) == [Decimal(number) for number in (2, 3, 3, 3, 4)]
    assert daily_closes([]) == []


def test_sharpe_is_the_mean_by_the_deviation_of_daily_returns_of_a_year() -> None:
    """Up two, down one percent in turns for 30 days: 15 times the one and 14 the other."""
    returns = [0.02 if number % 2 == 0 else -0.01 for number in range(29)]
    equities = [100.0]
    for one in returns:
        equities.append(equities[-1] * (1 + one))
    mean = (15 * 0.02 - 14 * 0.01) / 29
    deviation = ((15 * (0.02 - mean) ** 2 + 14 * (0.01 + mean) ** 2) / 28) ** 0.5
    found = performance_of([], daily(equities), FEES).sharpe
    assert found == Decimal(f"{mean / deviation * 365**0.5:.4f}")
    assert found == Decimal("6.9090")


def test_under_30_days_there_is_no_sharpe() -> None:
    steps = [Decimal(100 + number * number % 7) for number in range(30)]
    assert sharpe(steps[:29]) is None
    assert sharpe(steps) is not None


@pytest.mark.parametrize("last", ["0", "-1"])
def test_equity_that_was_used_up_has_no_returns(last: str) -> None:
    assert sharpe([*[Decimal(100 + number) for number in range(40)], Decimal(last)]) is None


def test_equity_that_grows_by_the_same_part_each_day_has_no_deviation() -> None:
    assert sharpe([Decimal(100)] * 40) is None
    assert sharpe([Decimal(2) ** number for number in range(40)]) is None


def test_sharpe_is_that_of_the_same_returns_at_any_size() -> None:
    rng = random.Random(7)
    steps = [Decimal(rng.randint(900, 1100)) for _ in range(60)]
    returns = [float(b / a) - 1 for a, b in pairwise(steps)]
    wanted = statistics.fmean(returns) / statistics.stdev(returns) * 365**0.5
    assert sharpe(steps) == sharpe([step * 1000 for step in steps]) == round(Decimal(wanted), 4)
