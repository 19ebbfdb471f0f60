"""Equity over time: the points of a curve, fewer of them where there are many, and how it fell."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from app.domain import money

_ONE = Decimal(1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, kw_only=True, slots=True)
class EquityKey:
    """Whose equity, and in which currency."""

    account: str
    currency: str


@dataclass(frozen=True, kw_only=True, slots=True)
class EquityPoint:
    """What an account was worth at one moment."""

    at: datetime
    equity: Decimal
    # Money from outside buys units and does not make them worth more.
    units: Decimal = _ONE

    @property
    def value(self) -> Decimal:
        """What a unit is worth: equity as it would be without deposits and withdrawals."""
        if self.units == _ONE:
            return self.equity
        return money.divide(self.equity, self.units) if self.units else money.ZERO


def loss_between(before: EquityPoint, now: EquityPoint) -> Decimal:
    """What the units of now have lost; below nothing where they have gained."""
    if before.units == now.units:
        return money.subtract(before.equity, now.equity)
    return money.multiply(money.subtract(before.value, now.value), now.units)


def sampled(points: Sequence[EquityPoint], most: int) -> Sequence[EquityPoint]:
    """At most so many of them: the first, the last, and the extremes of each stretch of time.

    From four on, the lowest and the highest of all are among them.
    """
    if len(points) <= most:
        return points
    if most == 1:
        return points[-1:]
    first, last = points[0], points[-1]
    stretches = (most - 2) // 2
    if not stretches or first.at == last.at:
        return [first, last]
    step = (last.at - first.at) / stretches
    inner = points[1:-1]
    kept = _extremes(inner, lambda point: min((point.at - first.at) // step, stretches - 1))
    return [first, *kept, last]


@dataclass(frozen=True, kw_only=True, slots=True)
class ThinningRule:
    """From which age on only the outline of each stretch of time is kept."""

    age: timedelta
    width: timedelta

    def until(self, now: datetime) -> datetime:
        """Where the last stretch ends that is old enough as a whole."""
        return _EPOCH + (now - self.age - _EPOCH) // self.width * self.width


THINNINGS = (
    ThinningRule(age=timedelta(hours=1), width=timedelta(minutes=1)),
    ThinningRule(age=timedelta(days=7), width=timedelta(hours=1)),
)


def thinned(points: Sequence[EquityPoint], width: timedelta) -> Sequence[EquityPoint]:
    """Of each stretch so long the first, the last, the lowest and the highest, of units too."""
    by_stretch = _by_stretch(points, lambda point: (point.at - _EPOCH) // width)
    kept = {
        id(one)
        for some in by_stretch
        for one in (some[0], some[-1], *_ends(some), min(some, key=_value), max(some, key=_value))
    }
    return [point for point in points if id(point) in kept]


def drawdown_percent(peak: Decimal, equity: Decimal) -> Decimal:
    """How far below the peak, from 0 to 100; a loss beyond everything is 100."""
    if peak <= money.ZERO or equity >= peak:
        return money.ZERO
    return min(money.percent(money.subtract(peak, equity), peak), money.HUNDRED)


def fall_percent(peak: EquityPoint | None, point: EquityPoint) -> Decimal:
    """How far below the highest record it is; what was taken out has not fallen."""
    if peak is None or not point.units:
        return money.ZERO
    return drawdown_percent(peak.value, point.value)


def max_drawdown_percent(points: Iterable[EquityPoint]) -> Decimal:
    """The deepest fall from a peak that came before it, deposits and withdrawals taken out."""
    peak, pit, deepest = money.ZERO, money.ZERO, money.ZERO
    for value in (point.value for point in points if point.units):
        if value > peak:
            peak = pit = value
        elif value < pit:
            pit = value
            deepest = max(deepest, drawdown_percent(peak, pit))
    return deepest


def _extremes(
    points: Sequence[EquityPoint], stretch_of: Callable[[EquityPoint], int]
) -> Sequence[EquityPoint]:
    kept = {id(one) for some in _by_stretch(points, stretch_of) for one in _ends(some)}
    return [point for point in points if id(point) in kept]


def _by_stretch(
    points: Iterable[EquityPoint], stretch_of: Callable[[EquityPoint], int]
) -> Iterable[Sequence[EquityPoint]]:
    found: defaultdict[int, list[EquityPoint]] = defaultdict(list)
    for point in points:
        found[stretch_of(point)].append(point)
    return found.values()


def _ends(points: Sequence[EquityPoint]) -> tuple[EquityPoint, EquityPoint]:
    """The lowest and the highest."""
    return min(points, key=_equity), max(points, key=_equity)


def _equity(point: EquityPoint) -> Decimal:
    return point.equity


def _value(point: EquityPoint) -> Decimal:
    return point.value
