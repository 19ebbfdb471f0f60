import asyncio

from app.services.concurrency.turns import Turns


async def go(turns: Turns, number: int, gone: list[int]) -> None:
    await turns.take()
    gone.append(number)


async def test_a_few_go_at_once_and_others_go_on_between() -> None:
    turns, gone = Turns(at_once=4, rests=2), list[int]()
    async with asyncio.TaskGroup() as tasks:
        for number in range(100):
            tasks.create_task(go(turns, number, gone))
        before, rounds = 0, 0
        while len(gone) < 100:
            await asyncio.sleep(0)
            assert len(gone) - before <= 4
            before, rounds = len(gone), rounds + 1
    assert gone == list(range(100))
    assert rounds >= 24 * 3


async def test_whoever_gives_up_keeps_nobody_waiting() -> None:
    turns, gone = Turns(at_once=1, rests=2), list[int]()
    tasks = [asyncio.create_task(go(turns, number, gone)) for number in range(10)]
    await asyncio.sleep(0)
    for task in tasks[1:9]:
        task.cancel()
    await asyncio.wait(tasks)
    assert gone == [0, 9]


async def test_one_alone_never_waits() -> None:
    turns, gone = Turns(at_once=1, rests=2), list[int]()
    for number in range(3):
        await asyncio.wait_for(go(turns, number, gone), 1)
        await asyncio.sleep(0)
    assert gone == [0, 1, 2]
