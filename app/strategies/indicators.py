"""Averages and strengths of closing prices, each value at the place of its candle."""

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]


def simple_average(values: Numbers, length: int) -> Numbers:
    """The mean of each stretch of this length; the first belongs to the candle that ends it."""
    stretches = np.lib.stride_tricks.sliding_window_view(values, length)
    return np.asarray(stretches.mean(axis=1), dtype=np.float64)


def exponential_average(values: Numbers, length: int) -> Numbers:
    """Begins with the mean of the first stretch, then weighs each value with 2 / (length + 1)."""
    return _smoothed(values, length, 2 / (length + 1))


def relative_strength(closes: Numbers, length: int) -> Numbers:
    """Wilder's RSI from 0 to 100; 50 where nothing moved."""
    changes = np.diff(closes)
    gains = _smoothed(np.maximum(changes, 0.0), length, 1 / length)
    losses = _smoothed(np.maximum(-changes, 0.0), length, 1 / length)
    moves = gains + losses
    return np.divide(100 * gains, moves, out=np.full_like(moves, 50.0), where=moves > 0)


def _smoothed(values: Numbers, length: int, weight: float) -> Numbers:
    average = float(values[:length].mean())
    averages = [average]
    # Each depends on the one before: floats of Python are faster here than numpy's.
    for value in values[length:].tolist():
        average += weight * (value - average)
        averages.append(average)
    return np.array(averages)
