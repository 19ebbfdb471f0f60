"""The parts of the runtime that a test may replace."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from time import monotonic

from app.clocks import SystemClock
from app.exchanges.paper.faults import Faults
from app.ports import Clock
from app.services.access.login_throttle import LoginThrottle


@dataclass(frozen=True, kw_only=True, slots=True)
class Parts:
    """Clock, login throttle, faults and loop time; the defaults are the real ones."""

    clock: Clock = field(default_factory=SystemClock)
    login_throttle: LoginThrottle = field(default_factory=lambda: LoginThrottle(SystemClock()))
    faults: Mapping[str, Faults] = field(default_factory=dict)
    # The time by which the lag of the event loop is measured.
    seconds: Callable[[], float] = monotonic
