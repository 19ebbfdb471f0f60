"""Extremes: finds the highest and lowest tick in a span without computing every tick.

Between two of its values a wave only rises or only falls, so its ends bound it. A block of ticks
whose bounds cannot beat the best found so far is skipped: a day costs some hundred evaluations
instead of 345,600.
"""

import heapq
from collections.abc import Iterator, Sequence

from app.exchanges.paper.prices.price_path import (
    LATTICE_BITS,
    WEIGHT_BITS,
    Wave,
    lattice_value,
    weight_of,
)

_PARTS = 4
_KEPT_CELLS = 4096
# Far above the rounding error of floats, and far below one step of any price.
_MARGIN = 1e-6

Bounds = tuple[float, float]
Block = tuple[int, int]


class Extremes:
    """Finds one market's highest and lowest ticks."""

    def __init__(self, waves: Sequence[Wave]) -> None:
        self._waves = [_Swing(wave) for wave in waves]
        self._opened: dict[Block, list[tuple[float, float, Block]]] = {}

    def candidates(self, start: int, end: int) -> tuple[list[int], list[int]]:
        """The ticks that may be the highest, and those that may be the lowest (float rounding)."""
        self._opened.clear()
        blocks = list(_blocks(start, end))
        bounds = [(*self._bounds(*block, 1)[0], block) for block in blocks]
        highest = self._search([(-high, block) for _, high, block in bounds], sign=-1)
        lowest = self._search([(low, block) for low, _, block in bounds], sign=1)
        return highest, lowest

    def _search(self, heap: list[tuple[float, Block]], *, sign: int) -> list[int]:
        """Best-first search for the lowest ticks, or, with the sign reversed, the highest."""
        heapq.heapify(heap)
        found: list[tuple[float, int]] = []
        best = float("inf")
        while heap and heap[0][0] <= best + _MARGIN:
            hope, (start, size) = heapq.heappop(heap)
            if size == 1:
                best = min(best, hope)
                found.append((hope, start))
                continue
            for low, high, part in self._open(start, size):
                hope = low if sign > 0 else -high
                if hope <= best + _MARGIN:
                    heapq.heappush(heap, (hope, part))
        return [tick for height, tick in found if height <= best + _MARGIN]

    def _open(self, start: int, size: int) -> list[tuple[float, float, Block]]:
        block = start, size
        if block not in self._opened:
            part = size // _PARTS
            self._opened[block] = [
                (low, high, (start + number * part, part))
                for number, (low, high) in enumerate(self._bounds(start, part, _PARTS))
            ]
        return self._opened[block]

    def _bounds(self, start: int, size: int, count: int) -> list[Bounds]:
        """A lower and an upper bound for each of `count` consecutive blocks."""
        lows, highs = [0.0] * count, [0.0] * count
        for wave in self._waves:
            if wave.length >= size:
                wave.add_ends(start, size, lows, highs)
            else:
                wave.add_values(start, size, lows, highs)
        return list(zip(lows, highs, strict=True))


class _Swing:
    """One wave's contribution to the bounds of consecutive blocks."""

    def __init__(self, wave: Wave) -> None:
        self.length = wave.length
        self._name = wave.name
        self._amplitude = float(wave.amplitude)
        self._scale = wave.amplitude / (1 << LATTICE_BITS)
        self._cells: dict[int, tuple[float, float]] = {}

    def add_ends(self, start: int, size: int, lows: list[float], highs: list[float]) -> None:
        """For blocks in which the wave only rises or only falls."""
        length = self.length
        cell, offset = divmod(start, length)
        base, rise = self._cell(cell)
        before = base + rise * weight_of(offset, length)
        for number in range(len(lows)):
            offset += size
            after = base + rise * weight_of(offset, length)
            if size == 1:
                lows[number] += before
                highs[number] += before
            elif before < after:
                lows[number] += before
                highs[number] += after
            else:
                lows[number] += after
                highs[number] += before
            before = after
            if offset == length:
                cell, offset = cell + 1, 0
                base, rise = self._cell(cell)

    def add_values(self, start: int, size: int, lows: list[float], highs: list[float]) -> None:
        """For blocks that contain several of its values: their range, or the whole amplitude."""
        width = size // self.length
        first = start // self.length
        for number in range(len(lows)):
            low, high = -self._amplitude, self._amplitude
            if width <= _PARTS:
                begin = first + number * width
                cells = range(begin, begin + width + 1)
                values = [lattice_value(self._name, cell) for cell in cells]
                low, high = self._scale * min(values), self._scale * max(values)
            lows[number] += low
            highs[number] += high

    def _cell(self, cell: int) -> tuple[float, float]:
        """The wave's value at the start of a cell, and its slope there."""
        known = self._cells.get(cell)
        if known is None:
            if len(self._cells) >= _KEPT_CELLS:
                self._cells.clear()
            value = lattice_value(self._name, cell)
            rise = lattice_value(self._name, cell + 1) - value
            known = self._scale * value, self._scale * rise / (1 << WEIGHT_BITS)
            self._cells[cell] = known
        return known


def _blocks(start: int, end: int) -> Iterator[Block]:
    """The span as the largest blocks that begin at a multiple of their size."""
    while start < end:
        size = 1
        while start % (size * _PARTS) == 0 and start + size * _PARTS <= end:
            size *= _PARTS
        yield start, size
        start += size
