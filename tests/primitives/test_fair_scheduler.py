import asyncio
from collections import Counter
from collections.abc import Callable

import pytest

from app.primitives.fair_scheduler import (
    MAX_REST_SECONDS,
    FairScheduler,
    LoopTurns,
    long_work,
    pacer,
)

PER_ROUND = 8
MANY = 10 * PER_ROUND


class Meter:
    """Time that work takes by saying so."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def few() -> FairScheduler:
    return FairScheduler(per_round=4, rest=LoopTurns(2))


async def go(turns: FairScheduler, number: int, gone: list[int]) -> None:
    await turns.turn()
    gone.append(number)


async def test_a_few_go_at_once_and_others_go_on_between(few: FairScheduler) -> None:
    gone = list[int]()
    async with asyncio.TaskGroup() as tasks:
        for number in range(100):
            tasks.create_task(go(few, number, gone))
        before, rounds = 0, 0
        while len(gone) < 100:
            await asyncio.sleep(0)
            assert len(gone) - before <= 4
            before, rounds = len(gone), rounds + 1
    assert gone == list(range(100))
    assert rounds >= 24 * 3


async def test_few_go_on_in_one_turn_of_the_loop_and_all_in_their_order() -> None:
    turns, went = pacer(), list[tuple[int, int]]()
    turn = 0

    async def go(number: int) -> None:
        await turns.turn()
        went.append((turn, number))

    tasks = [asyncio.create_task(go(number)) for number in range(MANY)]
    while len(went) < MANY:
        turn += 1
        await asyncio.sleep(0)
    assert [number for _, number in went] == list(range(MANY))
    assert max(Counter(at for at, _ in went).values()) <= PER_ROUND
    await asyncio.gather(*tasks)


async def test_long_work_goes_one_at_a_time_first_come_first_served() -> None:
    work, gone = long_work(), list[int]()
    async with asyncio.timeout(10), asyncio.TaskGroup() as tasks:
        for number in range(50):
            tasks.create_task(go(work, number, gone))
        before = 0
        while len(gone) < 50:
            await asyncio.sleep(0)
            assert len(gone) - before <= 1
            before = len(gone)
    assert gone == list(range(50))


async def test_after_each_turn_of_long_work_everybody_else_has_as_long() -> None:
    meter = Meter()
    work, rests = long_work(meter), list[float]()
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
        if getattr(act, "__self__", None).__class__ is FairScheduler:
            rests.append(delay)
        return later(delay, act, *args)

    loop.call_later = call_later  # type: ignore[method-assign, assignment]


@pytest.mark.parametrize(
    "make", [pacer, long_work, lambda: FairScheduler(per_round=1, rest=LoopTurns(2))]
)
async def test_a_caller_that_gives_up_keeps_nobody_waiting(
    make: Callable[[], FairScheduler],
) -> None:
    turns, gone = make(), list[int]()
    tasks = [asyncio.create_task(go(turns, number, gone)) for number in range(MANY)]
    await asyncio.sleep(0)
    went = len(gone)
    for task in tasks[went:-1]:
        task.cancel()
    async with asyncio.timeout(10):
        await asyncio.wait(tasks)
        await turns.turn()
    assert gone == [*range(went), MANY - 1]


@pytest.mark.parametrize("make", [pacer, lambda: FairScheduler(per_round=1, rest=LoopTurns(2))])
async def test_a_lone_caller_never_waits(make: Callable[[], FairScheduler]) -> None:
    turns = make()
    for _ in range(3):
        going = turns.turn()
        with pytest.raises(StopIteration):
            going.send(None)
        for _ in range(4):
            await asyncio.sleep(0)


async def test_long_work_lets_the_loop_go_round_before_it_begins() -> None:
    turns, others = long_work(), list[str]()
    asyncio.get_running_loop().call_soon(others.append, "somebody else")
    async with asyncio.timeout(10):
        await turns.turn()
    assert others == ["somebody else"]
