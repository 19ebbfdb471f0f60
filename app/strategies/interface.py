"""Strategy and the types it takes and returns: all that an author of strategies needs."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import BaseModel, ConfigDict

from app.domain.reasons import is_reason
from app.domain.signals import Signal

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MOST_CANDLES = 1000
# The share of the allocation that a sale may leave behind, because amounts have steps.
_DUST = 0.01


@dataclass(frozen=True, kw_only=True, eq=False)
class Candles:
    """Closed candles of one symbol, oldest first."""

    # The start of each candle, in milliseconds since 1970.
    at: "NDArray[np.int64]"
    open: "NDArray[np.float64]"
    high: "NDArray[np.float64]"
    low: "NDArray[np.float64]"
    close: "NDArray[np.float64]"
    volume: "NDArray[np.float64]"

    def __len__(self) -> int:
        return len(self.at)


@dataclass(frozen=True, kw_only=True, slots=True)
class Held:
    """What the strategy itself holds of the symbol, as floats: exact enough to decide by."""

    amount: float
    entry_price: float | None
    # The quote money spent on it, and the most that may be spent.
    cost: float
    allocation: float

    @property
    def is_open(self) -> bool:
        """Whether it is more than the dust that a sale leaves behind."""
        return self.amount != 0 and self.cost > _DUST * self.allocation


@dataclass(frozen=True, kw_only=True, slots=True)
class Advice:
    """A signal with its reason; `part` is the share of the allocation to buy, or held to sell."""

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
    """A pure rule without state, clock or randomness: the same candles give the same advice."""

    # Unique; of a-z, 0-9, - and _.
    name: ClassVar[str]
    description: ClassVar[str]
    Parameters: ClassVar[type[Parameters]] = Parameters

    @abstractmethod
    def candles_needed(self, parameters: Any) -> int:
        """How many closed candles `decide` needs, at most 1000."""

    @abstractmethod
    def decide(self, candles: Candles, held: Held, parameters: Any) -> Advice:
        """What to do now that the last of these candles has closed."""


def hold(reason: str) -> Advice:
    """Advice to do nothing."""
    return Advice(signal=Signal.HOLD, reason=reason)
