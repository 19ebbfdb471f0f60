import asyncio
from collections.abc import Callable

from app.services.concurrency.long_work import MAX_REST_SECONDS, LongWork


class Meter:
    """Time that work takes by saying so."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


async def test_turns_are_taken_one_at_a_time_first_come_first_served() -> None:
    work, gone = LongWork(), list[int]()

    async def go(number: int) -> None:
        await work.turn()
        gone.append(number)

    async with asyncio.timeout(10), asyncio.TaskGroup() as tasks:
        for number in range(50):
            tasks.create_task(go(number))
        before = 0
        while len(gone) < 50:
            await asyncio.sleep(0)
            assert len(gone) - before <= 1
            before = len(gone)
    assert gone == list(range(50))


async def test_after_each_turn_everybody_else_has_as_long() -> None:
    meter = Meter()
    work, rests = LongWork(meter), list[float]()
    _record_rests(rests)

    async def go(seconds: float) -> None:
        await work.turn()
        meter.seconds += seconds

    async with asyncio.timeout(10), asyncio.TaskGroup() as tasks:
        for seconds in (0.003, 0.001, 7.0, 0.002):
            tasks.create_task(go(seconds))
    # The last rest is still to come.
    await asyncio.sleep(0)
    assert [round(rest, 6) for rest in rests] == [0.003, 0.001, MAX_REST_SECONDS, 0.002]


def _record_rests(rests: list[float]) -> None:
    loop = asyncio.get_running_loop()
    later = loop.call_later

    def call_later(delay: float, act: Callable[..., object], *args: object) -> object:
        if getattr(act, "__self__", None).__class__ is LongWork:
            rests.append(delay)
        return later(delay, act, *args)

    loop.call_later = call_later  # type: ignore[method-assign, assignment]


async def test_whoever_gives_up_keeps_nobody_waiting() -> None:
    work, gone = LongWork(), list[int]()

    async def go(number: int) -> None:
        await work.turn()
        gone.append(number)

    tasks = [asyncio.create_task(go(number)) for number in range(10)]
    await asyncio.sleep(0)
    for task in tasks[:9]:
        task.cancel()
    async with asyncio.timeout(10):
        await asyncio.wait(tasks)
        await work.turn()
    assert gone == [9]
