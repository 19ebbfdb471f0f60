"""Work in lanes: so much at once, and what has a key in common in the order in which it came."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.primitives.lanes import Lanes, side_by_side


class Work:
    """Pieces of work that the test ends, by number."""

    def __init__(self, most: int) -> None:
        self.lanes = Lanes(most)
        self.begun: list[int] = []
        self.running: dict[int, asyncio.Event] = {}
        self.tasks: list[asyncio.Task[None]] = []

    async def add(self, *keys: str) -> None:
        self.tasks.append(asyncio.create_task(self._do(len(self.tasks), keys)))
        await settled()

    async def end(self, number: int) -> None:
        self.running[number].set()
        await settled()

    async def cancel(self, number: int) -> None:
        self.tasks[number].cancel()
        await settled()

    async def _do(self, number: int, keys: Sequence[str]) -> None:
        async with self.lanes.turn(*keys):
            self.begun.append(number)
            self.running[number] = asyncio.Event()
            try:
                await self.running[number].wait()
            finally:
                del self.running[number]


async def settled() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


@asynccontextmanager
async def working(most: int = 16) -> AsyncIterator[Work]:
    work = Work(most)
    yield work
    for task in work.tasks:
        task.cancel()
    await asyncio.gather(*work.tasks, return_exceptions=True)


async def test_no_more_goes_on_than_there_are_lanes() -> None:
    async with working(most=2) as work:
        for name in "abc":
            await work.add(name)
        assert sorted(work.running) == [0, 1]
        await work.end(1)
        assert sorted(work.running) == [0, 2]


async def test_what_waits_for_its_key_takes_no_lane() -> None:
    async with working(most=2) as work:
        for name in ("same", "same", "same", "other"):
            await work.add(name)
        assert sorted(work.running) == [0, 3]


async def test_a_piece_with_two_keys_waits_for_both() -> None:
    async with working() as work:
        await work.add("a")
        await work.add("b")
        await work.add("a", "b")
        await work.add("b")
        await work.end(0)
        assert sorted(work.running) == [1]
        await work.end(1)
        assert sorted(work.running) == [2]
        await work.end(2)
        assert sorted(work.running) == [3]


async def test_one_that_gives_up_lets_nobody_pass_those_before_it() -> None:
    async with working() as work:
        for _ in range(3):
            await work.add("same")
        await work.cancel(1)
        assert sorted(work.running) == [0]
        await work.cancel(0)
        assert sorted(work.running) == [2]


@given(st.lists(st.sets(st.sampled_from("abcd"), max_size=2), max_size=12), st.integers(1, 4))
async def test_whatever_comes_all_is_done_and_each_key_in_order(
    wanted: list[set[str]], most: int
) -> None:
    async with working(most) as work:
        for keys in wanted:
            await work.add(*keys)
        while work.running:
            assert len(work.running) <= most
            await work.end(min(work.running))
        assert sorted(work.begun) == list(range(len(wanted)))
        for key in "abcd":
            mine = [number for number in work.begun if key in wanted[number]]
            assert mine == sorted(mine)


async def test_an_error_is_raised_after_all_have_ended() -> None:
    ended = []

    async def one(number: int) -> int:
        await asyncio.sleep(0)
        if number == 1:
            raise LookupError(number)
        ended.append(number)
        return number

    with pytest.raises(LookupError):
        await side_by_side(one(number) for number in range(4))
    assert ended == [0, 2, 3]
    assert await side_by_side(one(number) for number in (3, 2)) == [3, 2]
