"""A thousand who hear the same do not keep the event loop from everybody else."""

import asyncio
from asyncio import Future
from collections import deque

MOST_AT_ONCE = 8


class Pacer:
    """Lets so many go on in one turn of the event loop, in the order in which they came."""

    def __init__(self) -> None:
        self._left = MOST_AT_ONCE
        self._waiting: deque[Future[None]] = deque()
        self._is_turning = False

    async def turn(self) -> None:
        """Return when it is one's turn to work for a while."""
        self._go_round()
        if self._left and not self._waiting:
            self._left -= 1
            return
        turn: Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        await turn

    def _go_round(self) -> None:
        if not self._is_turning:
            self._is_turning = True
            asyncio.get_running_loop().call_soon(self._next_round)

    def _next_round(self) -> None:
        self._is_turning = False
        self._left = MOST_AT_ONCE
        while self._left and self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                self._left -= 1
                turn.set_result(None)
        if self._left < MOST_AT_ONCE:
            self._go_round()
