"""What may go wrong on purpose: a switchboard for tests, which production never has."""

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
    """What can be asked of the exchange about one order."""

    SUBMIT = "submit"
    CANCEL = "cancel"
    AMEND = "amend"
    FIND = "find"


class CrashPoint(StrEnum):
    """Where the process can be made to die, without a word."""

    ON_ARRIVAL = "on_arrival"
    BEFORE_BOOKING = "before_booking"
    AFTER_BOOKING = "after_booking"
    BEFORE_TRIGGERING = "before_triggering"
    AFTER_MATCHING = "after_matching"


@dataclass(kw_only=True, slots=True)
class Faults:
    """Everything is well until a test says otherwise, and a fault lasts until a test ends it."""

    is_disconnected: bool = False
    unavailable: set[Call] = field(default_factory=set)
    # The question is lost, so nothing happens; or only the answer, when it has happened.
    lost_before: set[Call] = field(default_factory=set)
    lost_after: set[Call] = field(default_factory=set)
    delay_before_seconds: float = 0
    delay_after_seconds: float = 0
    # Every submit is refused in these words.
    refusal: Refusal | None = None
    news_copies: int = 1
    is_news_reordered: bool = False
    crash_at: set[CrashPoint] = field(default_factory=set)

    def crash(self, point: CrashPoint) -> None:
        if point in self.crash_at:
            os.kill(os.getpid(), signal.SIGKILL)


class FaultyConnection:
    """The way to the exchange and back."""

    def __init__(self, faults: Faults, clock: Clock) -> None:
        self._faults = faults
        self._clock = clock

    def require(self, call: Call | None = None) -> None:
        """Raise ExchangeUnavailable where nothing can be asked."""
        if self._faults.is_disconnected or call in self._faults.unavailable:
            raise ExchangeUnavailable("the paper exchange cannot be reached")

    async def along(self, stream: AsyncGenerator[_News, None]) -> AsyncGenerator[_News, None]:
        """The stream, for as long as the exchange can be reached."""
        async with aclosing(stream) as told:
            self.require()
            async for one in told:
                self.require()
                yield one

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
