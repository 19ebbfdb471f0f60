"""Turns for many who all want to go on at the same moment, so that nobody else has to wait."""

import asyncio
from collections import deque


class Turns:
    """Lets a few go, leaves the loop to the others for some rounds, then lets the next few go."""

    def __init__(self, *, at_once: int, rests: int) -> None:
        self._at_once = at_once
        self._rests = rests
        self._gone = 0
        self._waiting: deque[asyncio.Future[None]] = deque()

    async def take(self) -> None:
        """First come, first served."""
        loop = asyncio.get_running_loop()
        if self._gone == 0:
            loop.call_soon(self._rest, self._rests)
        if self._gone < self._at_once:
            self._gone += 1
            return
        turn: asyncio.Future[None] = loop.create_future()
        self._waiting.append(turn)
        await turn

    def _rest(self, rounds: int) -> None:
        if rounds:
            asyncio.get_running_loop().call_soon(self._rest, rounds - 1)
        else:
            self._begin_anew()

    def _begin_anew(self) -> None:
        self._gone = 0
        while self._waiting and self._gone < self._at_once:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                self._gone += 1
        if self._gone:
            asyncio.get_running_loop().call_soon(self._rest, self._rests)
