"""What an exchange should not have said: counted always, logged no more than once a minute."""

from collections import Counter
from datetime import datetime, timedelta
from typing import Any

import structlog

from app.ports import Clock

LOGGED_EVERY = timedelta(minutes=1)

_log = structlog.get_logger(__name__)


class AnomalyLog:
    """A bad exchange is told of, and fills no disk."""

    def __init__(self, exchange: str, clock: Clock) -> None:
        self.counts: Counter[str] = Counter()
        self._exchange = exchange
        self._clock = clock
        self._logged_at: dict[str, datetime] = {}

    def note(self, what: str, **facts: Any) -> None:
        self.counts[what] += 1
        now, before = self._clock.now(), self._logged_at.get(what)
        if before is not None and now - before < LOGGED_EVERY:
            return
        self._logged_at[what] = now
        so_far = self.counts[what]
        _log.warning(f"exchange.{what}", exchange=self._exchange, so_far=so_far, **facts)
