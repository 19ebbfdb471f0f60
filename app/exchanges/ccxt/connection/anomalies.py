"""AnomalyLog: counts an exchange's malformed responses and logs each kind once a minute at most."""

from collections import Counter
from typing import Any

import structlog

from app.ports import Clock

LOGGED_EVERY_SECONDS = 60.0

_log = structlog.get_logger(__name__)


class AnomalyLog:
    """Reports a misbehaving exchange without filling the disk."""

    def __init__(self, exchange: str, clock: Clock) -> None:
        self.counts: Counter[str] = Counter()
        self._exchange = exchange
        self._clock = clock
        self._logged_at: dict[str, float] = {}

    def note(self, kind: str, **facts: Any) -> None:
        self.counts[kind] += 1
        now, before = self._clock.elapsed(), self._logged_at.get(kind)
        if before is not None and now - before < LOGGED_EVERY_SECONDS:
            return
        self._logged_at[kind] = now
        so_far = self.counts[kind]
        _log.warning(f"exchange.{kind}", exchange=self._exchange, so_far=so_far, **facts)
