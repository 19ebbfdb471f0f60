"""What a strategy says."""

from enum import StrEnum


class Signal(StrEnum):
    """What is to be done about one symbol."""

    BUY = "BUY"
    SELL = "SELL"
    CLOSE = "CLOSE"
    HOLD = "HOLD"
