"""What a test may put in the place of the real thing."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from time import monotonic

from app.clocks import SystemClock
from app.exchanges.paper.faults import Faults
from app.ports import Clock
from app.services.access.login_throttle import LoginThrottle


@dataclass(frozen=True, kw_only=True, slots=True)
class Parts:
    """What a test may put in the place of the real thing."""

    clock: Clock = field(default_factory=SystemClock)
    login_throttle: LoginThrottle = field(default_factory=lambda: LoginThrottle(SystemClock()))
    faults: Mapping[str, Faults] = field(default_factory=dict)
    # Time as the event loop's delay is measured with it.
    seconds: Callable[[], float] = monotonic
