"""StreamReader: reads one ccxt stream without pause, and reopens it when it breaks."""

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
# How long a silent stream must not break to count as healthy; longer than connecting takes.
CALM_SECONDS = 12.0

Watch = Callable[[], Awaitable[Sequence[Row]]]

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class StreamSource:
    """One ccxt stream, and what to do with each of its rows."""

    name: str
    watch: Watch
    deliver: Callable[[Row], None]
    # Seconds left of a pause that the exchange asked for.
    banned_seconds: Callable[[], float] = lambda: 0.0


class StreamReader:
    """Delivers copies of a stream's rows, and reopens the stream with growing pauses."""

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
            # No stream reports what happened meanwhile: it has to be requested.
            self._on_gap()

    async def _failure_of_listening(self) -> str:
        # ccxt cancels the tasks that wait on a closed socket; that must not end this one.
        listener = asyncio.ensure_future(self._listen())
        calm_timer = asyncio.ensure_future(self._calm_down())
        try:
            await asyncio.wait([listener])
        finally:
            listener.cancel()
            calm_timer.cancel()
        if listener.cancelled():
            return "its socket was closed"
        error = listener.exception()
        return f"{type(error).__name__}: {words_of(error)}" if error else "it ended"

    async def _calm_down(self) -> None:
        await self._clock.sleep(CALM_SECONDS)
        self.failure = None

    async def _listen(self) -> None:
        while True:
            # Copies, because ccxt keeps its rows and changes them later.
            rows = [deepcopy(dict(row)) for row in await self._source.watch()]
            self.failure = None
            self._pauses.reset()
            for row in rows:
                self._source.deliver(row)
