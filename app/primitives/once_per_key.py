"""Asks once for each key: callers that come meanwhile wait for the same answer."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar
from weakref import WeakValueDictionary

from app.ports import Clock

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class OncePerKey(Generic[K, V]):
    """Keeps answers for as long as they are good. If a caller gives up, the next one asks."""

    def __init__(self, is_good: Callable[[K, V], bool] = lambda _, __: True) -> None:
        self._is_good = is_good
        self._answers: dict[K, V] = {}
        # A lock lives as long as somebody holds it or waits for it.
        self._locks: WeakValueDictionary[K, asyncio.Lock] = WeakValueDictionary()

    def __len__(self) -> int:
        return len(self._answers)

    async def get(self, key: K, ask: Callable[[], Awaitable[V]]) -> V:
        lock = self._locks.setdefault(key, asyncio.Lock())
        async with lock:
            if key not in self._answers or not self._is_good(key, self._answers[key]):
                self._answers[key] = await ask()
            return self._answers[key]

    def keep(self, key: K, answer: V) -> None:
        self._answers[key] = answer

    def forget(self, is_old: Callable[[V], bool]) -> None:
        for key in [key for key, answer in self._answers.items() if is_old(answer)]:
            del self._answers[key]


class AnswerCache(Generic[V]):
    """Keeps answers of any kind for a moment."""

    def __init__(self, clock: Clock, *, kept_seconds: float) -> None:
        self._clock = clock
        self._kept_seconds = kept_seconds
        self._answers: OncePerKey[Hashable, tuple[float, V]] = OncePerKey(
            lambda _, answer: not self._is_old(answer)
        )

    def __len__(self) -> int:
        return len(self._answers)

    async def get(self, question: Hashable, ask: Callable[[], Awaitable[V]]) -> V:
        async def timed() -> tuple[float, V]:
            return self._clock.elapsed(), await ask()

        self._answers.forget(self._is_old)
        _, answer = await self._answers.get(question, timed)
        return answer

    def _is_old(self, answer: tuple[float, V]) -> bool:
        return answer[0] <= self._clock.elapsed() - self._kept_seconds
