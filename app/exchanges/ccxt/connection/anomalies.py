"""AnomalyLog: counts an exchange's malformed responses, and logs them without filling the disk.

Each kind is logged once a minute at most, and the same facts once an hour.
"""

from collections import Counter
from collections.abc import Mapping
from typing import Any

import structlog

from app.ports import Clock

LOGGED_EVERY_SECONDS = 60.0
SAME_LOGGED_EVERY_SECONDS = 3600.0

_log = structlog.get_logger(__name__)


class AnomalyLog:
    """What an exchange answered that could not be read, by kind."""

    def __init__(self, exchange: str, clock: Clock) -> None:
        self.counts: Counter[str] = Counter()
        self._exchange = exchange
        self._clock = clock
        # When each kind was logged last, and with what facts.
        self._logged: dict[str, tuple[float, Mapping[str, Any]]] = {}

    def note(self, kind: str, **facts: Any) -> None:
        self.counts[kind] += 1
        now, before = self._clock.elapsed(), self._logged.get(kind)
        if before is not None:
            logged_at, logged = before
            is_same = facts == logged
            pause = SAME_LOGGED_EVERY_SECONDS if is_same else LOGGED_EVERY_SECONDS
            if now - logged_at < pause:
                return
        self._logged[kind] = now, facts
        so_far = self.counts[kind]
        _log.warning(f"exchange.{kind}", exchange=self._exchange, so_far=so_far, **facts)
