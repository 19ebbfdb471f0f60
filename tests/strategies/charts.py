"""Candles as a test draws them."""

from collections.abc import Sequence

import numpy as np

from app.strategies.interface import Candles, Held

HOUR = 3_600_000
# A Monday at midnight.
MONDAY = 1_767_571_200_000

NOTHING = Held(amount=0.0, entry_price=None, cost=0.0, allocation=1000.0)
SOME = Held(amount=2.0, entry_price=100.0, cost=200.0, allocation=1000.0)
DUST = Held(amount=0.00001, entry_price=100.0, cost=0.001, allocation=1000.0)


def chart(closes: Sequence[float], *, at: Sequence[int] | None = None) -> Candles:
    """Candles of an hour, each with shadows of one above and below its close."""
    close = np.array(closes, dtype=np.float64)
    begins = [MONDAY + number * HOUR for number in range(len(close))] if at is None else at
    return Candles(
        at=np.array(begins, dtype=np.int64),
        open=close,
        high=close + 1,
        low=close - 1,
        close=close,
        volume=np.ones_like(close),
    )


def waves(length: int) -> Candles:
    """A price that never rests."""
    steps = np.arange(length, dtype=np.float64)
    return chart((100 + 10 * np.sin(steps / 7) + 3 * np.sin(steps / 2)).tolist())
