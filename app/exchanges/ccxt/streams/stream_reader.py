"""One stream of ccxt, taken from as fast as it comes and asked again whenever it breaks."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass

import structlog

from app.exchanges.ccxt.parsing.failures import words_of
from app.exchanges.ccxt.parsing.order_terms import Row
from app.ports import Clock
from app.primitives.backoff import Backoff

FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 30.0
# How long a stream must not break to count as well while it says nothing; longer than a dial takes.
CALM_SECONDS = 12.0

Watch = Callable[[], Awaitable[Sequence[Row]]]

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class StreamSource:
    """A stream of ccxt, and what to do with each row of it."""

    name: str
    watch: Watch
    deliver: Callable[[Row], None]
    # How much longer the exchange wants to be left alone.
    banned_seconds: Callable[[], float] = lambda: 0.0


class StreamReader:
    """One stream: takes what came, hands copies on, and asks again at once."""

    def __init__(self, source: StreamSource, on_gap: Callable[[], None], clock: Clock) -> None:
        self.name = source.name
        self.failure: str | None = None
        self._source = source
        self._on_gap = on_gap
        self._clock = clock
        self._pauses = Backoff(first=FIRST_PAUSE_SECONDS, longest=LONGEST_PAUSE_SECONDS)

    async def run(self) -> None:
        while True:
            self.failure = await self._failure_of_listening()
            _log.warning("stream.broken", stream=self.name, why=self.failure)
            await self._clock.sleep(max(self._pauses.seconds, self._source.banned_seconds()))
            self._pauses.next()
            # What happened meanwhile is told by nobody: it has to be asked for.
            self._on_gap()

    async def _failure_of_listening(self) -> str:
        # ccxt cancels whatever waits for a socket that is closed; that must not end the pump.
        listening = asyncio.ensure_future(self._listen())
        calming = asyncio.ensure_future(self._calm_down())
        try:
            await asyncio.wait([listening])
        finally:
            listening.cancel()
            calming.cancel()
        if listening.cancelled():
            return "its socket was closed"
        error = listening.exception()
        return f"{type(error).__name__}: {words_of(error)}" if error else "it ended"

    async def _calm_down(self) -> None:
        await self._clock.sleep(CALM_SECONDS)
        self.failure = None

    async def _listen(self) -> None:
        while True:
            # The rows are ccxt's own and change under whoever keeps them.
            rows = [deepcopy(dict(row)) for row in await self._source.watch()]
            self.failure = None
            self._pauses.reset()
            for row in rows:
                self._source.deliver(row)
