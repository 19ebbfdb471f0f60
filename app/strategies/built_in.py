"""BUILT_IN: the strategies that come with orderdeck, by name."""

from collections.abc import Mapping
from types import MappingProxyType

from app.strategies.dollar_cost_averaging import DollarCostAveraging
from app.strategies.donchian_breakout import DonchianBreakout
from app.strategies.interface import Strategy
from app.strategies.moving_average_cross import MovingAverageCross
from app.strategies.rsi_reversion import RsiReversion

BUILT_IN: Mapping[str, Strategy] = MappingProxyType(
    {
        strategy.name: strategy
        for strategy in (
            MovingAverageCross(),
            RsiReversion(),
            DonchianBreakout(),
            DollarCostAveraging(),
        )
    }
)
