"""MovingAverageCross: enters when the fast average crosses above the slow one, exits below it."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Literal

from pydantic import Field, ValidationInfo, field_validator

from app.domain.signals import Signal
from app.strategies import interface
from app.strategies.indicators import exponential_average, simple_average
from app.strategies.interface import Advice, Candles, Held, Strategy, hold

if TYPE_CHECKING:
    from app.strategies.indicators import Numbers

# After this many lengths, the start of an exponential average weighs less than 0.1 %.
_LENGTHS = 4


class MovingAverageCross(Strategy):
    """Enters only at the crossing itself; exits whenever below, to catch up a missed exit."""

    name = "moving-average-cross"
    description = (
        "Buys when the fast moving average of the closes rises above the slow one,"
        " and closes when it is below."
    )

    class Parameters(interface.Parameters):
        """How long the averages are, and of which kind."""

        fast: int = Field(default=20, ge=1, le=249, description="Candles in the fast average.")
        slow: int = Field(
            default=50,
            ge=2,
            le=250,
            validate_default=True,
            description="Candles in the slow average; more than in the fast one.",
        )
        kind: Literal["sma", "ema"] = Field(
            default="sma", description="sma: each candle weighs the same; ema: the newest most."
        )

        @field_validator("slow")
        @classmethod
        def _is_slower(cls, slow: int, info: ValidationInfo) -> int:
            fast = info.data.get("fast")
            if fast is not None and slow <= fast:
                raise ValueError(f"must be above fast, which is {fast}")
            return slow

    def candles_needed(self, parameters: Parameters) -> int:
        match parameters.kind:
            case "sma":
                return parameters.slow + 1
            case "ema":
                return _LENGTHS * parameters.slow

    def decide(self, candles: Candles, held: Held, parameters: Parameters) -> Advice:
        if len(candles) <= parameters.slow:
            return hold(f"{len(candles)} of {parameters.slow + 1} candles so far")
        average = _AVERAGES[parameters.kind]
        fast = average(candles.close, parameters.fast)
        slow = average(candles.close, parameters.slow)
        averages = f"fast {fast[-1]:.8g}, slow {slow[-1]:.8g}"
        if held.is_open:
            if fast[-1] < slow[-1]:
                return Advice(signal=Signal.CLOSE, reason=f"the fast average is below: {averages}")
            return hold(f"the fast average is not below: {averages}")
        if fast[-2] <= slow[-2] and fast[-1] > slow[-1]:
            return Advice(signal=Signal.BUY, reason=f"the fast average rose above: {averages}")
        return hold(f"no crossing upwards: {averages}")


_AVERAGES: "dict[str, Callable[[Numbers, int], Numbers]]" = {
    "sma": simple_average,
    "ema": exponential_average,
}
