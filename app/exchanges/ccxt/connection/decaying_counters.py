"""DecayingCounter: what may be spent where the exchange's count of requests decays by itself."""

from app.ports import Clock
from app.primitives.priorities import Priority

# The share of the counter that each may fill: what background work may use leaves room for the
# questions that orders ask, whenever they come, and these leave room for those of cancels.
_BACKGROUND_SHARE = 0.5
_ORDER_SHARE = 0.9


class DecayingCounter:
    """Counts like the exchange: every request adds to it, and time takes away from it."""

    def __init__(self, clock: Clock, *, cost: float, cost_per_second: float) -> None:
        self.cost = cost
        self._clock = clock
        self._cost_per_second = cost_per_second
        self._level = 0.0
        self._at = clock.elapsed()

    @property
    def spent(self) -> float:
        now = self._clock.elapsed()
        decayed = (now - self._at) * self._cost_per_second
        self._level, self._at = max(self._level - decayed, 0.0), now
        return self._level

    def spend(self, cost: float) -> None:
        self._level = self.spent + cost

    def note_used(self, cost: float) -> None:
        """Take over the exchange's own count if it is higher: others may use the same key."""
        self._level = max(self.spent, cost)

    def seconds_until(self, cost: float, priority: Priority) -> float:
        """How long to wait until this may be spent."""
        over = self.spent + cost - self._share(priority) * self.cost
        # Nothing is left to wait for, even if this costs more than the whole share.
        return max(min(over, self.spent), 0.0) / self._cost_per_second

    def _share(self, priority: Priority) -> float:
        if priority is Priority.CANCEL:
            return 1.0
        return _ORDER_SHARE if priority is Priority.ORDER else _BACKGROUND_SHARE
