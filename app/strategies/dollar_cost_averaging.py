"""DollarCostAveraging: buys a part of the allocation at regular intervals, at any price."""

from pydantic import Field

from app.domain.signals import Signal
from app.strategies import interface
from app.strategies.interface import Advice, Candles, Held, Strategy, hold

# Enough to see how long a candle lasts, even if some are missing.
_CANDLES = 10


class DollarCostAveraging(Strategy):
    """Divides the time since 1970 into intervals; the first candle of each buys."""

    name = "dollar-cost-averaging"
    description = (
        "Buys for a part of the allocation every so many candles,"
        " until the allocation is used up, and never sells."
    )

    class Parameters(interface.Parameters):
        """How often, and how much."""

        every: int = Field(default=24, ge=1, le=10_000, description="Candles from buy to buy.")
        part: float = Field(
            default=0.05, gt=0, le=1, description="The part of the allocation for each buy."
        )

    def candles_needed(self, parameters: Parameters) -> int:
        return _CANDLES

    def decide(self, candles: Candles, held: Held, parameters: Parameters) -> Advice:
        if len(candles) < 2:
            return hold(f"{len(candles)} of 2 candles so far")
        interval = int((candles.at[1:] - candles.at[:-1]).min()) * parameters.every
        before, last = (int(at) // interval for at in candles.at[-2:])
        if before == last:
            return hold(f"not the first of {parameters.every} candles")
        reason = f"the first of {parameters.every} candles"
        return Advice(signal=Signal.BUY, reason=reason, part=parameters.part)
