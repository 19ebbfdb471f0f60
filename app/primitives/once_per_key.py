"""Answers that are kept: one asks, and whoever asks meanwhile is told the same."""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Hashable
from datetime import datetime, timedelta
from typing import Generic, TypeVar, cast
from weakref import WeakValueDictionary

from app.errors import ExchangeError
from app.ports import Clock

T = TypeVar("T")
V = TypeVar("V")


class AnswerCache(Generic[V]):
    """Good for a moment. Where the one who asks gives up, the next one asks."""

    def __init__(self, clock: Clock, *, kept: timedelta) -> None:
        self._clock = clock
        self._kept = kept
        self._answers: dict[Hashable, tuple[datetime, V]] = {}
        self._locks: WeakValueDictionary[Hashable, asyncio.Lock] = WeakValueDictionary()

    def __len__(self) -> int:
        return len(self._answers)

    async def get(self, question: Hashable, ask: Callable[[], Awaitable[V]]) -> V:
        lock = self._locks.setdefault(question, asyncio.Lock())
        async with lock:
            self._forget_old()
            known = self._answers.get(question)
            if known is None:
                known = self._clock.now(), await ask()
                self._answers[question] = known
            return known[1]

    def _forget_old(self) -> None:
        oldest = self._clock.now() - self._kept
        gone = [question for question, (at, _) in self._answers.items() if at <= oldest]
        for question in gone:
            del self._answers[question]


class Answers:
    """Good for ever, a failure too: all that is worked out from them is of one instant."""

    def __init__(self) -> None:
        self._answers: dict[Hashable, object] = {}
        self._locks: defaultdict[Hashable, asyncio.Lock] = defaultdict(asyncio.Lock)

    def keep(self, question: Hashable, answer: object) -> None:
        self._answers[question] = answer

    async def get(self, question: Hashable, ask: Callable[[], Awaitable[T]]) -> T:
        async with self._locks[question]:
            if question not in self._answers:
                self.keep(question, await _outcome(ask))
        answer = self._answers[question]
        if isinstance(answer, ExchangeError):
            raise answer
        return cast("T", answer)


async def _outcome(ask: Callable[[], Awaitable[object]]) -> object:
    try:
        return await ask()
    except ExchangeError as error:
        return error
