"""Lanes: work that goes on side by side, but one after the other where it has a key in common."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Hashable, Iterable
from contextlib import asynccontextmanager
from typing import TypeVar

T = TypeVar("T")


class Lanes:
    """So many pieces of work at once; those with a common key in the order in which they came."""

    def __init__(self, most: int) -> None:
        self._free = asyncio.Semaphore(most)
        self._unfinished: defaultdict[Hashable, list[asyncio.Event]] = defaultdict(list)

    @asynccontextmanager
    async def turn(self, *keys: Hashable) -> AsyncIterator[None]:
        """Enter once all that came before with one of these keys has ended, and a lane is free."""
        ended = asyncio.Event()
        before = [earlier for key in keys for earlier in self._unfinished[key]]
        for key in keys:
            self._unfinished[key].append(ended)
        try:
            for earlier in before:
                await earlier.wait()
            async with self._free:
                yield
        finally:
            ended.set()
            self._forget(keys, ended)

    def _forget(self, keys: Iterable[Hashable], ended: asyncio.Event) -> None:
        for key in keys:
            self._unfinished[key].remove(ended)
            if not self._unfinished[key]:
                del self._unfinished[key]


async def side_by_side(works: Iterable[Awaitable[T]]) -> list[T]:
    """The results in order. They begin in order; an error is raised after all have ended."""
    results: list[T] = []
    for result in await asyncio.gather(*works, return_exceptions=True):
        if isinstance(result, BaseException):
            raise result
        results.append(result)
    return results
