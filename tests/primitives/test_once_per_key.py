import asyncio

import pytest

from app.primitives.once_per_key import AnswerCache, OncePerKey
from tests.conftest import START
from tests.support.clock import ManualClock


class Source:
    """Counts how often it is asked; it answers when the test says so."""

    def __init__(self) -> None:
        self.asked = 0
        self.may_answer = asyncio.Event()

    async def ask(self) -> int:
        self.asked += 1
        await self.may_answer.wait()
        return self.asked


async def test_callers_that_come_meanwhile_get_the_same_answer() -> None:
    once, source = OncePerKey[str, int](), Source()
    callers = [asyncio.create_task(once.get("key", source.ask)) for _ in range(200)]
    await asyncio.sleep(0)
    source.may_answer.set()
    assert set(await asyncio.gather(*callers)) == {1}
    assert source.asked == 1


async def test_each_key_is_asked_by_itself() -> None:
    once, source = OncePerKey[int, int](), Source()
    source.may_answer.set()
    await asyncio.gather(*(once.get(key, source.ask) for key in range(200)))
    assert source.asked == 200


async def test_if_a_caller_gives_up_the_next_one_asks() -> None:
    once, source = OncePerKey[str, int](), Source()
    first = asyncio.create_task(once.get("key", source.ask))
    await asyncio.sleep(0)
    second = asyncio.create_task(once.get("key", source.ask))
    await asyncio.sleep(0)
    first.cancel()
    source.may_answer.set()
    assert await second == 2


async def test_an_answer_that_is_no_longer_good_is_asked_for_again() -> None:
    good = True
    once, source = OncePerKey[str, int](lambda _, __: good), Source()
    source.may_answer.set()
    assert [await once.get("key", source.ask) for _ in range(2)] == [1, 1]
    good = False
    assert await once.get("key", source.ask) == 2


async def test_a_failure_is_not_kept() -> None:
    once, source = OncePerKey[str, int](), Source()
    source.may_answer.set()

    async def fail() -> int:
        raise ValueError

    with pytest.raises(ValueError):  # noqa: PT011 - it is this one
        await once.get("key", fail)
    assert await once.get("key", source.ask) == 1


async def test_a_cache_forgets_what_is_old() -> None:
    clock = ManualClock(START)
    cache, source = AnswerCache[int](clock, kept_seconds=1), Source()
    source.may_answer.set()
    for key in range(200):
        await cache.get(key, source.ask)
    await clock.advance(1)
    assert await cache.get(0, source.ask) == 201
    assert len(cache) == 1
