"""Signal: what a strategy says."""

from enum import StrEnum


class Signal(StrEnum):
    """A strategy's advice for one symbol."""

    BUY = "BUY"
    SELL = "SELL"
    CLOSE = "CLOSE"
    HOLD = "HOLD"
