"""Work that a crowd asks for at once, begun bit by bit."""

import asyncio

from app.primitives.paced_starts import AT_LEAST_EVERY_SECONDS, AT_ONCE, QUICK_SECONDS, PacedStarts


class Stopwatch:
    """Time that moves only when work is done."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Works:
    """Pieces of work that note when they begin, and then take some time on the loop."""

    def __init__(self, starts: PacedStarts, watch: Stopwatch, seconds: float = 0.0) -> None:
        self._starts = starts
        self._watch = watch
        self._seconds = seconds
        self.begun: list[str] = []
        self.tasks: list[asyncio.Task[None]] = []

    def ask(self, *parties: str) -> None:
        self.tasks += [asyncio.create_task(self._work(party)) for party in parties]

    async def _work(self, party: str) -> None:
        await self._starts.turn(party)
        self.begun.append(party)
        self._watch.now += self._seconds


async def test_one_alone_begins_at_once() -> None:
    starts = PacedStarts(Stopwatch())
    async with asyncio.timeout(1):
        for _ in range(AT_ONCE):
            await starts.turn("one")
    assert starts.waiting == 0


async def test_on_a_quick_loop_some_begin_in_each_iteration() -> None:
    watch = Stopwatch()
    works = Works(PacedStarts(watch), watch)
    works.ask(*["crowd"] * 10)
    await asyncio.sleep(0)
    assert len(works.begun) == AT_ONCE
    await asyncio.gather(*works.tasks)
    assert len(works.begun) == 10


async def test_parties_take_turns() -> None:
    watch = Stopwatch()
    works = Works(PacedStarts(watch), watch)
    works.ask(*["crowd"] * 30, "other")
    await asyncio.gather(*works.tasks)
    assert works.begun.index("other") <= 2 * AT_ONCE


async def test_while_the_loop_is_slow_hardly_anything_more_begins() -> None:
    watch = Stopwatch()
    slow = 2 * QUICK_SECONDS
    works = Works(PacedStarts(watch), watch, seconds=slow)
    works.ask(*["crowd"] * 12)
    await asyncio.sleep(0)
    first = len(works.begun)
    assert first == AT_ONCE
    await asyncio.gather(*works.tasks)
    assert len(works.begun) == 12


async def test_even_on_a_loop_that_stays_slow_all_begin_in_the_end() -> None:
    watch = Stopwatch()
    starts = PacedStarts(watch)
    works = Works(starts, watch)
    is_over = asyncio.Event()

    async def burden() -> None:
        while not is_over.is_set():
            watch.now += AT_LEAST_EVERY_SECONDS / 2
            await asyncio.sleep(0)

    burdening = asyncio.create_task(burden())
    works.ask(*["crowd"] * 20)
    async with asyncio.timeout(10):
        await asyncio.gather(*works.tasks)
    is_over.set()
    await burdening
    assert len(works.begun) == 20


async def test_who_gives_up_takes_no_turn() -> None:
    watch = Stopwatch()
    works = Works(PacedStarts(watch), watch)
    works.ask(*["crowd"] * 6)
    await asyncio.sleep(0)
    works.tasks[-1].cancel()
    await asyncio.gather(*works.tasks, return_exceptions=True)
    assert len(works.begun) == 5
