"""Faults that tests inject into the paper exchange; production never sets any."""

import os
import signal
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeVar

from app.errors import ExchangeDoubt, ExchangeRejected, ExchangeUnavailable, Refusal
from app.ports import Clock

_News = TypeVar("_News")


class Call(StrEnum):
    """The calls that concern one order."""

    SUBMIT = "submit"
    CANCEL = "cancel"
    AMEND = "amend"
    FIND = "find"


class CrashPoint(StrEnum):
    """Where a test can make the process kill itself (SIGKILL)."""

    ON_ARRIVAL = "on_arrival"
    BEFORE_BOOKING = "before_booking"
    AFTER_BOOKING = "after_booking"
    BEFORE_TRIGGERING = "before_triggering"
    AFTER_MATCHING = "after_matching"


@dataclass(kw_only=True, slots=True)
class Faults:
    """The faults in force: none by default; a fault lasts until a test removes it."""

    is_disconnected: bool = False
    unavailable: set[Call] = field(default_factory=set)
    # Lost before: the request is lost, nothing happens. Lost after: only the response is lost.
    lost_before: set[Call] = field(default_factory=set)
    lost_after: set[Call] = field(default_factory=set)
    delay_before_seconds: float = 0
    delay_after_seconds: float = 0
    # Every submit is rejected with this refusal.
    refusal: Refusal | None = None
    news_copies: int = 1
    is_news_reordered: bool = False
    crash_at: set[CrashPoint] = field(default_factory=set)

    def crash(self, point: CrashPoint) -> None:
        if point in self.crash_at:
            os.kill(os.getpid(), signal.SIGKILL)


class FaultyConnection:
    """The simulated network to the exchange and back."""

    def __init__(self, faults: Faults, clock: Clock) -> None:
        self._faults = faults
        self._clock = clock

    def require(self, call: Call | None = None) -> None:
        """Raise ExchangeUnavailable if the exchange or the call is switched off."""
        if self._faults.is_disconnected or call in self._faults.unavailable:
            raise ExchangeUnavailable("the paper exchange cannot be reached")

    async def along(self, stream: AsyncGenerator[_News, None]) -> AsyncGenerator[_News, None]:
        """The stream's values, for as long as the exchange can be reached."""
        async with aclosing(stream) as values:
            self.require()
            async for value in values:
                self.require()
                yield value

    async def out(self, call: Call) -> None:
        self.require(call)
        if call is Call.SUBMIT:
            self._faults.crash(CrashPoint.ON_ARRIVAL)
        if call is not Call.FIND:
            await self._delay(self._faults.delay_before_seconds)
        if call in self._faults.lost_before:
            raise ExchangeDoubt(f"no answer to {call}")
        if call is Call.SUBMIT and self._faults.refusal is not None:
            raise ExchangeRejected(self._faults.refusal)

    async def back(self, call: Call) -> None:
        if call is not Call.FIND:
            await self._delay(self._faults.delay_after_seconds)
        if call in self._faults.lost_after:
            raise ExchangeDoubt(f"no answer to {call}")

    async def _delay(self, seconds: float) -> None:
        if seconds:
            await self._clock.sleep(seconds)
