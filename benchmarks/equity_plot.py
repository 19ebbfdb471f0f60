"""Draws an equity curve as a self-contained SVG, with the drawdowns shaded."""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from xml.sax.saxutils import escape

from app.domain.portfolio.equity_curves import EquityPoint

NAMESPACE = "http://www.w3.org/2000/svg"
WIDTH, HEIGHT = 960, 400
LEFT, RIGHT, TOP, BOTTOM = 76, 20, 52, 40
MOST_LINES = 6
TICK_HOURS = 3
HOUR = timedelta(hours=1)
# Readable on light pages and on dark ones.
STYLE = """
  text { font: 13px system-ui, sans-serif; fill: #7d8794 }
  .title { font-size: 15px; font-weight: 600; fill: #4f8fd9 }
  .fall { fill: #e5534b; fill-opacity: .22 }
  .peak { fill: none; stroke: #7d8794; stroke-opacity: .7; stroke-dasharray: 3 4 }
  .equity { fill: none; stroke: #4f8fd9; stroke-width: 2; stroke-linejoin: round }
  .grid { stroke: #7d8794; stroke-opacity: .22 }
  .deepest { fill: #e5534b } text.deepest { font-weight: 600 }
"""
Spot = tuple[float, float]


@dataclass(frozen=True, kw_only=True, slots=True)
class Plot:
    """The curve to draw, and the scales that turn times and values into coordinates."""

    points: Sequence[EquityPoint]
    currency: str

    @property
    def peaks(self) -> Sequence[Decimal]:
        """The highest equity up to each point."""
        return list(itertools.accumulate((point.equity for point in self.points), max))

    @property
    def deepest(self) -> int:
        """The index of the point with the largest drawdown."""
        peaks = self.peaks
        return max(
            range(len(self.points)),
            key=lambda number: 1 - self.points[number].equity / peaks[number],
        )

    @property
    def lines(self) -> Sequence[Decimal]:
        """Round values for grid lines, from below the lowest equity to above the highest."""
        equities = [point.equity for point in self.points]
        low, high = min(equities), max(equities)
        step = _round_step((high - low) / (MOST_LINES - 1))
        first = (low / step).to_integral_value(ROUND_FLOOR)
        last = (high / step).to_integral_value(ROUND_CEILING)
        return [step * number for number in range(int(first), max(int(last), int(first) + 1) + 1)]

    def x(self, at: datetime) -> float:
        first, last = self.points[0].at, self.points[-1].at
        return LEFT + (at - first) / (last - first) * (WIDTH - LEFT - RIGHT)

    def y(self, value: Decimal) -> float:
        low, *_, high = self.lines
        part = float((value - low) / (high - low))
        return HEIGHT - BOTTOM - part * (HEIGHT - TOP - BOTTOM)

    def svg(self) -> str:
        xs = [self.x(point.at) for point in self.points]
        equity = [(x, self.y(point.equity)) for x, point in zip(xs, self.points, strict=True)]
        peak = list(_ridge(equity))
        parts = [
            *self._value_axis(),
            *self._time_axis(),
            f'<path class="fall" d="{_path([*peak, *reversed(equity)])}Z"/>',
            f'<path class="peak" d="{_path(peak)}"/>',
            f'<path class="equity" d="{_path(equity)}"/>',
            *self._deepest_fall(),
        ]
        first, last = self.points[0].at, self.points[-1].at
        title = f"Equity in {self.currency}, {first:%Y-%m-%d %H:%M} to {last:%Y-%m-%d %H:%M} UTC"
        return "\n".join(
            [
                f'<svg xmlns="{NAMESPACE}" viewBox="0 0 {WIDTH} {HEIGHT}" role="img">',
                f"<title>{escape(title)}</title>",
                f"<style>{STYLE}</style>",
                f'<text class="title" x="{LEFT}" y="26">{escape(title)}</text>',
                *parts,
                "</svg>\n",
            ]
        )

    def _value_axis(self) -> Iterator[str]:
        for value in self.lines:
            y = self.y(value)
            yield f'<path class="grid" d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}"/>'
            yield f'<text x="{LEFT - 10}" y="{y + 4:.1f}" text-anchor="end">{value:,f}</text>'

    def _time_axis(self) -> Iterator[str]:
        at = self.points[0].at.replace(minute=0, second=0, microsecond=0) - HOUR
        while (at := at + HOUR) <= self.points[-1].at:
            if at >= self.points[0].at and at.hour % TICK_HOURS == 0:
                x = self.x(at)
                yield f'<path class="grid" d="M{x:.1f} {HEIGHT - BOTTOM}v6"/>'
                yield f'<text x="{x:.1f}" y="{HEIGHT - 14}" text-anchor="middle">{at:%H:%M}</text>'

    def _deepest_fall(self) -> Iterator[str]:
        point, peak = self.points[self.deepest], self.peaks[self.deepest]
        if point.equity == peak:
            return
        x, y, fall = self.x(point.at), self.y(point.equity), 100 * (1 - point.equity / peak)
        anchor = "end" if x > WIDTH / 2 else "start"
        yield f'<circle class="deepest" cx="{x:.1f}" cy="{y:.1f}" r="4"/>'
        yield (
            f'<text class="deepest" x="{x:.1f}" y="{y + 20:.1f}" text-anchor="{anchor}">'
            f"{fall:.2f} % below the peak</text>"
        )


def _round_step(rough: Decimal) -> Decimal:
    """1, 2 or 5 of some power of ten."""
    if rough <= 0:
        return Decimal(1)
    power = Decimal(10) ** rough.adjusted()
    return next(power * digit for digit in (1, 2, 5, 10) if power * digit >= rough)


def _ridge(curve: Sequence[Spot]) -> Iterator[Spot]:
    """The peak so far: level until the curve rises through it, then the curve itself."""
    peak = curve[0][1]
    yield curve[0]
    for (x, y), (next_x, next_y) in itertools.pairwise(curve):
        # A higher value has a smaller y.
        if next_y < peak:
            yield x + (next_x - x) * (y - peak) / (y - next_y), peak
            peak = next_y
        yield next_x, peak


def _path(spots: Sequence[Spot]) -> str:
    return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in spots)
