"""MinuteBudget: what may be spent on requests within any minute, with a reserve for orders."""

from collections import deque

from app.ports import Clock
from app.primitives.priorities import Priority

# A little more than a minute: a request can take longer to arrive than the one before it.
WINDOW_SECONDS = 61.0
# The share of the minute that each may use: background work leaves a reserve for orders, and
# orders leave one for cancels.
BACKGROUND_SHARE = 0.7
ORDER_SHARE = 0.95


class MinuteBudget:
    """Counts what was spent within the last minute, in ccxt's cost units."""

    def __init__(self, clock: Clock, *, cost: float) -> None:
        self.cost = cost
        self._clock = clock
        self._spent: deque[tuple[float, float]] = deque()
        self._total = 0.0

    @property
    def spent(self) -> float:
        self._forget_old()
        return self._total

    def spend(self, cost: float) -> None:
        self._spent.append((self._clock.elapsed(), cost))
        self._total += cost

    def note_used(self, cost: float) -> None:
        """Take over the exchange's own count if it is higher: others may use the same address."""
        unknown = cost - self.spent
        if unknown > 0:
            self.spend(unknown)

    def seconds_until(self, cost: float, priority: Priority) -> float:
        """How long to wait until this may be spent."""
        left = self.spent + cost - self._share(priority) * self.cost
        now = self._clock.elapsed()
        for at, spent in self._spent:
            if left <= 0:
                return 0.0
            left -= spent
            if left <= 0:
                return at + WINDOW_SECONDS - now
        # Nothing is left to wait for, even if this costs more than a whole minute offers.
        return 0.0 if not self._spent else self._spent[-1][0] + WINDOW_SECONDS - now

    def _share(self, priority: Priority) -> float:
        if priority is Priority.CANCEL:
            return 1.0
        return ORDER_SHARE if priority is Priority.ORDER else BACKGROUND_SHARE

    def _forget_old(self) -> None:
        before = self._clock.elapsed() - WINDOW_SECONDS
        while self._spent and self._spent[0][0] <= before:
            self._total -= self._spent.popleft()[1]
        if not self._spent:
            self._total = 0.0
