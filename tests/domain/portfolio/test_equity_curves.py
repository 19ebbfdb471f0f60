from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.domain.portfolio.equity_curves import (
    EquityPoint,
    ThinningRule,
    drawdown_percent,
    max_drawdown_percent,
    sampled,
    thinned,
)

AT = datetime(2026, 1, 5, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
few = settings(max_examples=40)
EQUITIES = st.decimals(-1000, 10**9, places=4)


def curve(*equities: object, step: timedelta = MINUTE) -> list[EquityPoint]:
    return [
        EquityPoint(at=AT + number * step, equity=Decimal(str(one)))
        for number, one in enumerate(equities)
    ]


def told(points: Sequence[EquityPoint]) -> list[int]:
    return [int(point.equity) for point in points]


@st.composite
def curves(draw: st.DrawFn) -> list[EquityPoint]:
    """At moments that are anything but evenly spread."""
    pauses = draw(st.lists(st.integers(1, 10**6), min_size=1, max_size=60))
    at, points = AT, []
    for pause in pauses:
        at += timedelta(milliseconds=pause)
        points.append(EquityPoint(at=at, equity=draw(EQUITIES)))
    return points


def test_a_short_curve_stays_as_it_is() -> None:
    points = curve(1, 2, 3)
    assert sampled(points, 3) == points
    assert sampled([], 5) == []


def test_of_each_stretch_the_lowest_and_the_highest_stay_in_their_order() -> None:
    points = curve(5, 9, 1, 4, 5, 6, 2, 8, 5, 5, 5)
    assert told(sampled(points, 6)) == [5, 9, 1, 2, 8, 5]


def test_the_fewest_points_are_the_last_and_then_the_first_too() -> None:
    points = curve(1, 9, 2, 3)
    assert [told(sampled(points, most)) for most in (1, 2, 3)] == [[3], [1, 3], [1, 3]]


@few
@given(points=curves(), most=st.integers(1, 70))
def test_fewer_points_are_never_too_many_and_keep_ends_and_extremes(
    points: list[EquityPoint], most: int
) -> None:
    found = list(sampled(points, most))
    assert len(found) <= most
    assert found == [point for point in points if point in found]
    assert found[-1] == points[-1]
    assert most == 1 or found[0] == points[0]
    if most >= 4:
        equities = [point.equity for point in points]
        kept = [point.equity for point in found]
        assert (min(kept), max(kept)) == (min(equities), max(equities))


def test_what_is_thinned_keeps_the_outline_of_each_stretch() -> None:
    points = curve(5, 6, 9, 6, 1, 5, 7, 7, 7, 7, step=timedelta(seconds=10))
    assert told(thinned(points, MINUTE)) == [5, 9, 1, 5, 7, 7]


@few
@given(points=curves())
def test_thinning_twice_is_as_good_as_once_and_deepens_no_fall(points: list[EquityPoint]) -> None:
    once = thinned(points, MINUTE)
    assert thinned(once, MINUTE) == once
    assert max_drawdown_percent(once) <= max_drawdown_percent(points)
    assert once[-1] == points[-1]


def test_only_whole_stretches_of_the_right_age_are_thinned() -> None:
    thinning = ThinningRule(age=timedelta(hours=1), width=MINUTE)
    now = AT + timedelta(seconds=59)
    assert thinning.until(now) == AT - timedelta(hours=1)
    assert thinning.until(now + timedelta(seconds=1)) == AT - timedelta(hours=1) + MINUTE


@pytest.mark.parametrize(
    ("peak", "equity", "percent"),
    [
        ("200", "150", "25"),
        ("200", "200", "0"),
        ("200", "250", "0"),
        ("200", "0", "100"),
        ("200", "-50", "100"),
        ("3", "2", "33.333333"),
        ("0", "-1", "0"),
    ],
)
def test_how_far_below_its_peak_equity_stands(peak: str, equity: str, percent: str) -> None:
    assert drawdown_percent(Decimal(peak), Decimal(equity)) == Decimal(percent)


def test_the_deepest_fall_is_from_the_highest_before_it() -> None:
    assert max_drawdown_percent(curve(100, 80, 120, 90, 110, 200, 190)) == Decimal(25)
    assert max_drawdown_percent(curve(50, 60, 70)) == 0
    assert max_drawdown_percent([]) == 0


@few
@given(points=curves())
def test_a_fall_is_never_below_nothing_nor_above_everything(points: list[EquityPoint]) -> None:
    assert 0 <= max_drawdown_percent(points) <= 100
