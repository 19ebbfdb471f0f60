"""How many orders this process has placed in the last minute, whatever the wall clock says."""

from collections import defaultdict, deque

from app.ports import Clock

_SECONDS = 60.0


class RecentPlacements:
    """The elapsed times of the last minute's orders, by account."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._times: defaultdict[str, deque[float]] = defaultdict(deque)

    def note(self, account: str) -> None:
        self.count(account)
        self._times[account].append(self._clock.elapsed())

    def count(self, account: str) -> int:
        times, oldest = self._times[account], self._clock.elapsed() - _SECONDS
        while times and times[0] <= oldest:
            times.popleft()
        return len(times)
