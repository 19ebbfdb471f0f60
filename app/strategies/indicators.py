"""Moving averages and RSI of closing prices."""

# numpy is imported in functions, so that a server whose bot never runs does without its 12 MB.
# ruff: noqa: PLC0415

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Numbers = NDArray[np.float64]


def simple_average(values: "Numbers", length: int) -> "Numbers":
    """The mean of each window; the first value belongs to the candle that ends the first window."""
    import numpy as np

    stretches = np.lib.stride_tricks.sliding_window_view(values, length)
    return np.asarray(stretches.mean(axis=1), dtype=np.float64)


def exponential_average(values: "Numbers", length: int) -> "Numbers":
    """Starts with the mean of the first window, then weighs each value with 2 / (length + 1)."""
    return _smoothed(values, length, 2 / (length + 1))


def relative_strength(closes: "Numbers", length: int) -> "Numbers":
    """Wilder's RSI from 0 to 100; 50 if the price has not moved."""
    import numpy as np

    changes = np.diff(closes)
    gains = _smoothed(np.maximum(changes, 0.0), length, 1 / length)
    losses = _smoothed(np.maximum(-changes, 0.0), length, 1 / length)
    moves = gains + losses
    return np.divide(100 * gains, moves, out=np.full_like(moves, 50.0), where=moves > 0)


def _smoothed(values: "Numbers", length: int, weight: float) -> "Numbers":
    import numpy as np

    average = float(values[:length].mean())
    averages = [average]
    # Each value depends on the one before: Python's floats are faster here than numpy's.
    for value in values[length:].tolist():
        average += weight * (value - average)
        averages.append(average)
    return np.array(averages)
