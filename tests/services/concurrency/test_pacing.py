import asyncio
from collections import Counter

from app.services.concurrency.pacing import MOST_AT_ONCE, Pacer

MANY = 10 * MOST_AT_ONCE


async def test_few_go_on_in_one_turn_of_the_loop_and_all_in_their_order() -> None:
    pacer, went = Pacer(), []
    turn = 0

    async def go(number: int) -> None:
        await pacer.turn()
        went.append((turn, number))

    tasks = [asyncio.create_task(go(number)) for number in range(MANY)]
    while len(went) < MANY:
        turn += 1
        await asyncio.sleep(0)
    assert [number for _, number in went] == list(range(MANY))
    assert max(Counter(at for at, _ in went).values()) <= MOST_AT_ONCE
    await asyncio.gather(*tasks)


async def test_whoever_goes_away_holds_up_nobody() -> None:
    pacer = Pacer()
    tasks = [asyncio.create_task(pacer.turn()) for _ in range(MANY)]
    await asyncio.sleep(0)
    for task in tasks[:-1]:
        task.cancel()
    async with asyncio.timeout(10):
        await tasks[-1]


async def test_alone_nobody_waits() -> None:
    pacer = Pacer()
    for _ in range(3):
        going = pacer.turn()
        try:
            going.send(None)
        except StopIteration:
            await asyncio.sleep(0)
            continue
        raise AssertionError("it waited")
