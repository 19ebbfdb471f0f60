"""A fair scheduler: callers with much to do take turns, and others run in between."""

import asyncio
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

# The longest rest, in case the process was suspended in the middle of a round.
MAX_REST_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class LoopTurns:
    """Rest for this many iterations of the event loop."""

    count: int


@dataclass(frozen=True, slots=True)
class AsLongAsTheRound:
    """Rest for as long as the round took; a lone caller, too, lets the loop go round first."""


class FairScheduler:
    """Lets `per_round` callers go on, first come first served, then rests before the next round."""

    def __init__(
        self,
        *,
        per_round: int,
        rest: LoopTurns | AsLongAsTheRound,
        measure: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._per_round = per_round
        self._rest_kind = rest
        self._measure = measure
        self._gone = 0
        self._began = 0.0
        self._is_round_open = False
        self._waiting: deque[asyncio.Future[None]] = deque()

    async def turn(self) -> None:
        """Wait for a turn; it lasts until the caller next waits for anything."""
        if self._may_go_now():
            return
        mine: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(mine)
        await mine
        self._began = self._measure()

    def _may_go_now(self) -> bool:
        if isinstance(self._rest_kind, AsLongAsTheRound):
            if not self._is_round_open:
                self._is_round_open = True
                asyncio.get_running_loop().call_soon(self._next_round)
            return False
        if not self._is_round_open:
            self._begin_round()
        if self._gone >= self._per_round or self._waiting:
            return False
        self._gone += 1
        return True

    def _begin_round(self) -> None:
        self._is_round_open = True
        self._began = self._measure()
        # call_soon runs this after the tasks that are ready now, so the round is over by then.
        asyncio.get_running_loop().call_soon(self._rest)

    def _rest(self) -> None:
        match self._rest_kind:
            case LoopTurns(count):
                self._skip(count)
            case AsLongAsTheRound():
                seconds = min(self._measure() - self._began, MAX_REST_SECONDS)
                asyncio.get_running_loop().call_later(seconds, self._next_round)

    def _skip(self, turns: int) -> None:
        if turns:
            asyncio.get_running_loop().call_soon(self._skip, turns - 1)
        else:
            self._next_round()

    def _next_round(self) -> None:
        self._gone = 0
        self._is_round_open = False
        while self._waiting and self._gone < self._per_round:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                self._gone += 1
        if self._gone:
            self._begin_round()


def pacer() -> FairScheduler:
    """For a thousand subscribers that hear the same event at the same moment."""
    return FairScheduler(per_round=8, rest=LoopTurns(0))


def price_turns() -> FairScheduler:
    """For subscribers of prices: an order waits milliseconds, not for all of them."""
    return FairScheduler(per_round=4, rest=LoopTurns(6))


def long_work(measure: Callable[[], float] = time.perf_counter) -> FairScheduler:
    """For slices of long work: half of the time remains for everybody else."""
    return FairScheduler(per_round=1, rest=AsLongAsTheRound(), measure=measure)
