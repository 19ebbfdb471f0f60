"""What a strategy is given, and what it says: all that an author needs to know."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from app.domain.reasons import is_reason
from app.domain.signals import Signal

MOST_CANDLES = 1000
# What a sale leaves behind because the market trades in steps.
_DUST = 0.01


@dataclass(frozen=True, kw_only=True, eq=False)
class Candles:
    """Closed candles of one symbol, the oldest first."""

    # Milliseconds since 1970 at which each began.
    at: NDArray[np.int64]
    open: NDArray[np.float64]
    high: NDArray[np.float64]
    low: NDArray[np.float64]
    close: NDArray[np.float64]
    volume: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.at)


@dataclass(frozen=True, kw_only=True, slots=True)
class Held:
    """What the strategy itself has bought of the symbol, in numbers good enough to decide by."""

    amount: float
    entry_price: float | None
    # The quote money in it, and the most that may be.
    cost: float
    allocation: float

    @property
    def is_open(self) -> bool:
        """Whether it is more than what the market's steps left behind of a sale."""
        return self.amount != 0 and self.cost > _DUST * self.allocation


@dataclass(frozen=True, kw_only=True, slots=True)
class Advice:
    """A signal with its reason; part is of the allocation to buy with, of the amount to sell."""

    signal: Signal
    reason: str
    part: float = 1.0

    def __post_init__(self) -> None:
        if not 0 < self.part <= 1:
            raise ValueError("part is above 0 and at most 1")
        if not is_reason(self.reason):
            raise ValueError("reason has 1 to 200 printable characters")


class Parameters(BaseModel):
    """The numbers that a strategy can be set by; anything else is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Strategy(ABC):
    """A rule without a memory, a clock or luck: the same candles give the same advice."""

    # Of a-z, 0-9, - and _, and like no other's.
    name: ClassVar[str]
    description: ClassVar[str]
    Parameters: ClassVar[type[Parameters]] = Parameters

    @abstractmethod
    def candles_needed(self, parameters: Any) -> int:
        """How many closed candles it looks at, at most 1000."""

    @abstractmethod
    def decide(self, candles: Candles, held: Held, parameters: Any) -> Advice:
        """What to do now that the last of these candles has closed."""


def hold(reason: str) -> Advice:
    """Nothing is to be done."""
    return Advice(signal=Signal.HOLD, reason=reason)
