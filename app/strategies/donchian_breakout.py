"""DonchianBreakout: enters above the channel's high, exits below a shorter channel's low."""

from pydantic import Field, ValidationInfo, field_validator

from app.domain.signals import Signal
from app.strategies import interface
from app.strategies.interface import Advice, Candles, Held, Strategy, hold


class DonchianBreakout(Strategy):
    """The channel is made of the candles before the last one, which breaks out of it or not."""

    name = "donchian-breakout"
    description = (
        "Buys when a candle closes above the highest high of those before it,"
        " and closes when one closes below their lowest low."
    )

    class Parameters(interface.Parameters):
        """How long the channels are."""

        entry: int = Field(default=20, ge=1, le=500, description="Candles whose high is broken.")
        exit: int = Field(
            default=10,
            ge=1,
            le=500,
            validate_default=True,
            description="Candles whose low is broken; at most as many as entry.",
        )

        @field_validator("exit")
        @classmethod
        def _is_no_longer(cls, exit: int, info: ValidationInfo) -> int:
            entry = info.data.get("entry")
            if entry is not None and exit > entry:
                raise ValueError(f"must be at most entry, which is {entry}")
            return exit

    def candles_needed(self, parameters: Parameters) -> int:
        return parameters.entry + 1

    def decide(self, candles: Candles, held: Held, parameters: Parameters) -> Advice:
        length = parameters.exit if held.is_open else parameters.entry
        if len(candles) <= length:
            return hold(f"{len(candles)} of {length + 1} candles so far")
        close = float(candles.close[-1])
        if held.is_open:
            low = float(candles.low[-1 - length : -1].min())
            if close < low:
                reason = f"{close:.8g} is below {low:.8g}, the low of {length} candles"
                return Advice(signal=Signal.CLOSE, reason=reason)
            return hold(f"{close:.8g} is not below {low:.8g}, the low of {length} candles")
        high = float(candles.high[-1 - length : -1].max())
        if close > high:
            reason = f"{close:.8g} is above {high:.8g}, the high of {length} candles"
            return Advice(signal=Signal.BUY, reason=reason)
        return hold(f"{close:.8g} is not above {high:.8g}, the high of {length} candles")
