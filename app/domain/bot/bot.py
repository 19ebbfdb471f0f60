"""Bot: its states and transitions, the strategies assigned to markets, and its decisions."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from app.domain.signals import Signal

MOST_ASSIGNMENTS = 50
MOST_CYCLE_SECONDS = 86_400
# Failed cycles in a row after which the bot gives up.
MOST_FAILURES = 10
MOST_PAUSE_SECONDS = 300.0


class BotState(StrEnum):
    """What the bot is doing."""

    STOPPED = "STOPPED"
    STARTING = "STARTING"
    RUNNING = "RUNNING"
    PAUSED = "PAUSED"
    STOPPING = "STOPPING"
    FAILED = "FAILED"


# Every allowed transition; any other raises.
TRANSITIONS: Mapping[BotState, frozenset[BotState]] = MappingProxyType(
    {
        BotState.STOPPED: frozenset({BotState.STARTING}),
        BotState.STARTING: frozenset(
            {BotState.RUNNING, BotState.PAUSED, BotState.STOPPING, BotState.FAILED}
        ),
        BotState.RUNNING: frozenset(
            {BotState.STARTING, BotState.PAUSED, BotState.STOPPING, BotState.FAILED}
        ),
        BotState.PAUSED: frozenset({BotState.STARTING, BotState.RUNNING, BotState.STOPPING}),
        BotState.STOPPING: frozenset({BotState.STOPPED}),
        # FAILED stays until somebody starts the bot again.
        BotState.FAILED: frozenset({BotState.STARTING}),
    }
)


class DecisionOutcome(StrEnum):
    """What came of a decision."""

    HOLD = "HOLD"
    ORDERED = "ORDERED"
    REFUSED_BY_RISK = "REFUSED_BY_RISK"
    REFUSED_BY_WINDOW = "REFUSED_BY_WINDOW"
    FAILED = "FAILED"


@dataclass(frozen=True, kw_only=True, slots=True)
class Assignment:
    """One strategy on one symbol, with the quote money that it may hold at most."""

    strategy: str
    symbol: str
    timeframe: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    allocation: Decimal

    @property
    def name(self) -> tuple[str, str, str]:
        """The key of the assignment: unique within the bot."""
        return self.strategy, self.symbol, self.timeframe


@dataclass(frozen=True, kw_only=True, slots=True)
class StopOptions:
    """What to do in addition when the bot stops."""

    cancel_open_orders: bool = False
    close_positions: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Bot:
    """The bot's current state. `desired`, what was last asked for, survives restarts."""

    state: BotState = BotState.STOPPED
    desired: BotState = BotState.STOPPED
    # None before the first start.
    account: str | None = None
    assignments: tuple[Assignment, ...] = ()
    cycle_seconds: int = 60
    started_at: datetime | None = None
    stopped_at: datetime | None = None
    cycles: int = 0
    last_cycle_at: datetime | None = None
    last_cycle_milliseconds: int | None = None
    consecutive_failures: int = 0
    last_error: str | None = None
    stop_wish: StopOptions = field(default_factory=StopOptions)

    def moved(self, state: BotState) -> "Bot":
        """The bot in another state. Raises LookupError if the transition is not allowed."""
        if state is self.state:
            return self
        if state not in TRANSITIONS[self.state]:
            raise LookupError(f"no way leads from {self.state} to {state}")
        return replace(self, state=state)


@dataclass(frozen=True, kw_only=True, slots=True)
class Decision:
    """A strategy's signal for one closed candle, and what came of it."""

    id: str
    at: datetime
    cycle: int
    account: str
    strategy: str
    symbol: str
    timeframe: str
    # The start of the candle.
    candle_at: datetime
    signal: Signal
    outcome: DecisionOutcome
    reason: str
    order_id: str | None = None
    # The close of the candle, and how much the strategy held; unknown of decisions of old.
    price: Decimal | None = None
    held: Decimal | None = None


def pause_seconds(bot: Bot) -> float:
    """The pause until the next cycle: grows exponentially with consecutive failures."""
    if not bot.consecutive_failures:
        return float(bot.cycle_seconds)
    backoff = bot.cycle_seconds * 2.0 ** min(bot.consecutive_failures, 20)
    return min(backoff, max(MOST_PAUSE_SECONDS, float(bot.cycle_seconds)))
