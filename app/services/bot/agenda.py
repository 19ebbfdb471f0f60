"""The bot's agenda: which of its assignments are due."""

import asyncio
from collections.abc import Collection, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from app.domain.bot import bot as domain
from app.domain.bot.bot import Assignment, Bot
from app.domain.markets.candles import Candle
from app.ports import Clock

# Strategy, symbol and timeframe of an assignment.
Name = tuple[str, str, str]

# How long a cycle takes in what becomes due while it runs; then the next one begins.
LONGEST_SECONDS = 60.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Due:
    """An assignment that is due, and the candle that has closed, if a stream has told it."""

    assignment: Assignment
    told: Candle | None = None


class Agenda:
    """An assignment is due when its candle closes, and all are each `cycleSeconds`.

    After a failed cycle, a closing candle begins none: only the pause counts, which grows.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        # When all became due the last time, in elapsed time.
        self._all_due_at: float | None = None
        self._pending: dict[Name, Candle | None] = {}
        self._news = asyncio.Event()
        # Until when a cycle may take some; None if nothing is due any more.
        self._open_until: float | None = None

    def open(self) -> None:
        """A cycle begins."""
        self._open_until = self._clock.elapsed() + LONGEST_SECONDS

    def close(self) -> None:
        """Let nothing more join the cycle."""
        self._open_until = None

    def clear(self) -> None:
        """Forget which candles have closed."""
        self._pending.clear()

    def note(self, names: Iterable[Name], candle: Candle) -> None:
        """The candle of these assignments has closed."""
        self._pending.update(dict.fromkeys(names, candle))
        self._news.set()

    def rest_seconds(self, bot: Bot) -> float:
        """How long until a cycle is due."""
        if self._pending and not bot.consecutive_failures:
            return 0.0
        return self._until_all_due(bot)

    def take(self, bot: Bot, busy: Collection[Name] = ()) -> Sequence[Due]:
        """The assignments that are due now; those that are busy are due when they are not."""
        if self._is_closed:
            return ()
        if self._until_all_due(bot) <= 0:
            self._all_due_at = self._clock.elapsed()
            for assignment in bot.assignments:
                self._pending.setdefault(assignment.name, None)
        due = [
            Due(assignment=assignment, told=self._pending[assignment.name])
            for assignment in bot.assignments
            if assignment.name in self._pending and assignment.name not in busy
        ]
        self._pending = {name: told for name, told in self._pending.items() if name in busy}
        return due

    async def wait(self, bot: Bot) -> None:
        """Return when more may be due."""
        if self._is_closed:
            await asyncio.Event().wait()
        with suppress(TimeoutError):
            async with self._clock.timeout(max(self._until_all_due(bot), 0.0)):
                await self._news.wait()
        self._news.clear()

    @property
    def _is_closed(self) -> bool:
        return self._open_until is None or self._clock.elapsed() >= self._open_until

    def _until_all_due(self, bot: Bot) -> float:
        """By elapsed time; a cycle from before this process began counts by its own time."""
        elapsed = self._clock.elapsed()
        if self._all_due_at is None:
            if bot.last_cycle_at is None:
                return 0.0
            age = (self._clock.now() - bot.last_cycle_at).total_seconds()
            self._all_due_at = elapsed - max(age, 0.0)
        return domain.pause_seconds(bot) - (elapsed - self._all_due_at)
