"""EquityPoint, the sampling and thinning of equity curves, and drawdown."""

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
    """An equity curve's account and currency."""

    account: str
    currency: str


@dataclass(frozen=True, kw_only=True, slots=True)
class EquityPoint:
    """An account's equity at one moment."""

    at: datetime
    equity: Decimal
    # Deposits buy units and do not change a unit's value.
    units: Decimal = _ONE

    @property
    def value(self) -> Decimal:
        """The value of a unit: equity without the effect of deposits and withdrawals."""
        if self.units == _ONE:
            return self.equity
        return money.divide(self.equity, self.units) if self.units else money.ZERO


def loss_between(before: EquityPoint, now: EquityPoint) -> Decimal:
    """The loss of the current units since then; negative for a gain."""
    if before.units == now.units:
        return money.subtract(before.equity, now.equity)
    return money.multiply(money.subtract(before.value, now.value), now.units)


def sampled(points: Sequence[EquityPoint], most: int) -> Sequence[EquityPoint]:
    """At most `most` points: the first, the last, and the extremes of each time interval.

    If `most` is 4 or more, the lowest and the highest point of all are among them.
    """
    if len(points) <= most:
        return points
    if most == 1:
        return points[-1:]
    first, last = points[0], points[-1]
    intervals = (most - 2) // 2
    if not intervals or first.at == last.at:
        return [first, last]
    step = (last.at - first.at) / intervals
    inner = points[1:-1]
    kept = _extremes(inner, lambda point: min((point.at - first.at) // step, intervals - 1))
    return [first, *kept, last]


@dataclass(frozen=True, kw_only=True, slots=True)
class ThinningRule:
    """From which age on only the outline of each time interval is kept."""

    age: timedelta
    width: timedelta

    def until(self, now: datetime) -> datetime:
        """The end of the last interval that is completely old enough."""
        return _EPOCH + (now - self.age - _EPOCH) // self.width * self.width


THINNINGS = (
    ThinningRule(age=timedelta(hours=1), width=timedelta(minutes=1)),
    ThinningRule(age=timedelta(days=7), width=timedelta(hours=1)),
)


def thinned(points: Sequence[EquityPoint], width: timedelta) -> Sequence[EquityPoint]:
    """Each interval's first, last, lowest and highest point, by equity and by unit value."""
    intervals = _by_interval(points, lambda point: (point.at - _EPOCH) // width)
    kept = {
        id(point)
        for some in intervals
        for point in (some[0], some[-1], *_ends(some), min(some, key=_value), max(some, key=_value))
    }
    return [point for point in points if id(point) in kept]


def drawdown_percent(peak: Decimal, equity: Decimal) -> Decimal:
    """How far equity is below the peak, from 0 to 100; a loss of more than everything is 100."""
    if peak <= money.ZERO or equity >= peak:
        return money.ZERO
    return min(money.percent(money.subtract(peak, equity), peak), money.HUNDRED)


def fall_percent(peak: EquityPoint | None, point: EquityPoint) -> Decimal:
    """How far the unit value is below its peak; withdrawals do not count as a fall."""
    if peak is None or not point.units:
        return money.ZERO
    return drawdown_percent(peak.value, point.value)


def max_drawdown_percent(points: Iterable[EquityPoint]) -> Decimal:
    """The deepest fall from an earlier peak, without the effect of deposits and withdrawals."""
    peak, trough, deepest = money.ZERO, money.ZERO, money.ZERO
    for value in (point.value for point in points if point.units):
        if value > peak:
            peak = trough = value
        elif value < trough:
            trough = value
            deepest = max(deepest, drawdown_percent(peak, trough))
    return deepest


def _extremes(
    points: Sequence[EquityPoint], interval_of: Callable[[EquityPoint], int]
) -> Sequence[EquityPoint]:
    kept = {id(end) for some in _by_interval(points, interval_of) for end in _ends(some)}
    return [point for point in points if id(point) in kept]


def _by_interval(
    points: Iterable[EquityPoint], interval_of: Callable[[EquityPoint], int]
) -> Iterable[Sequence[EquityPoint]]:
    found: defaultdict[int, list[EquityPoint]] = defaultdict(list)
    for point in points:
        found[interval_of(point)].append(point)
    return found.values()


def _ends(points: Sequence[EquityPoint]) -> tuple[EquityPoint, EquityPoint]:
    """The lowest and the highest point."""
    return min(points, key=_equity), max(points, key=_equity)


def _equity(point: EquityPoint) -> Decimal:
    return point.equity


def _value(point: EquityPoint) -> Decimal:
    return point.value
