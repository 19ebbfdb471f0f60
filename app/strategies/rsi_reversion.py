"""RsiReversion: enters when the RSI is oversold, exits when it is overbought."""

from pydantic import Field, ValidationInfo, field_validator

from app.domain.signals import Signal
from app.strategies import interface
from app.strategies.indicators import relative_strength
from app.strategies.interface import Advice, Candles, Held, Strategy, hold

# After this many periods, the start of the averages weighs less than 0.1 %.
_PERIODS = 8


class RsiReversion(Strategy):
    """Takes an extreme of Wilder's relative strength index as a sign that the price will turn."""

    name = "rsi-reversion"
    description = (
        "Buys when the relative strength index of the closes is below one level,"
        " and closes when it is above another."
    )

    class Parameters(interface.Parameters):
        """How long the index is, and its levels."""

        period: int = Field(default=14, ge=2, le=120, description="Changes that it averages.")
        buy_below: float = Field(default=30, gt=0, lt=100, description="Buy below this level.")
        sell_above: float = Field(
            default=70,
            gt=0,
            lt=100,
            validate_default=True,
            description="Close above this level; above buy_below.",
        )

        @field_validator("sell_above")
        @classmethod
        def _is_above(cls, sell_above: float, info: ValidationInfo) -> float:
            buy_below = info.data.get("buy_below")
            if buy_below is not None and sell_above <= buy_below:
                raise ValueError(f"must be above buy_below, which is {buy_below:g}")
            return sell_above

    def candles_needed(self, parameters: Parameters) -> int:
        return _PERIODS * parameters.period + 1

    def decide(self, candles: Candles, held: Held, parameters: Parameters) -> Advice:
        if len(candles) <= parameters.period:
            return hold(f"{len(candles)} of {parameters.period + 1} candles so far")
        index = float(relative_strength(candles.close, parameters.period)[-1])
        if not held.is_open and index < parameters.buy_below:
            reason = f"the RSI of {index:.2f} is below {parameters.buy_below:g}"
            return Advice(signal=Signal.BUY, reason=reason)
        if held.is_open and index > parameters.sell_above:
            reason = f"the RSI of {index:.2f} is above {parameters.sell_above:g}"
            return Advice(signal=Signal.CLOSE, reason=reason)
        return hold(f"the RSI is {index:.2f}")
