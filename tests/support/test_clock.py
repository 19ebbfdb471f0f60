import asyncio
import threading
from datetime import timedelta

import pytest

from tests.conftest import START
from tests.support.clock import ManualClock


async def test_sleepers_wake_in_the_order_of_time(clock: ManualClock) -> None:
    woken: list[tuple[int, float]] = []

    async def sleep(seconds: int) -> None:
        await clock.sleep(seconds)
        woken.append((seconds, (clock.now() - START).total_seconds()))

    async with asyncio.TaskGroup() as tasks:
        for seconds in (3, 1, 2):
            tasks.create_task(sleep(seconds))
        await clock.until_asleep(3)
        await clock.advance(2)
        assert woken == [(1, 1.0), (2, 2.0)]
        await clock.advance(1)
    assert woken[-1] == (3, 3.0)


async def test_a_timeout_comes_when_its_time_has_passed(clock: ManualClock) -> None:
    async def wait() -> None:
        async with clock.timeout(5):
            await asyncio.Event().wait()

    waiting = asyncio.create_task(wait())
    await clock.until_asleep()
    await clock.advance(4.9)
    assert not waiting.done()
    await clock.advance(0.2)
    with pytest.raises(TimeoutError):
        await waiting


async def test_a_timeout_that_was_left_in_time_never_comes(clock: ManualClock) -> None:
    async with clock.timeout(5):
        pass
    await clock.advance(10)
    assert clock.now() - START == timedelta(seconds=10)


async def test_nobody_is_waited_for_who_waits_for_those_who_sleep(clock: ManualClock) -> None:
    async def sleep_on() -> None:
        sleeper = asyncio.create_task(clock.sleep(1000))
        await clock.sleep(1)
        await asyncio.wait([sleeper])

    async with asyncio.TaskGroup() as tasks:
        for _ in range(40):
            tasks.create_task(sleep_on())
        await clock.until_asleep(80)
        async with asyncio.timeout(20):
            await clock.advance(1000)


@pytest.mark.parametrize("way", ["itself", "by a task", "by an event"])
async def test_whoever_waits_for_a_thread_is_waited_for(clock: ManualClock, way: str) -> None:
    freed, answered = threading.Event(), asyncio.Event()

    async def ask() -> None:
        await asyncio.wait([asyncio.get_running_loop().run_in_executor(None, freed.wait, 10)])
        answered.set()

    async def wake() -> None:
        await clock.sleep(1)
        if way == "itself":
            await ask()
        else:
            asking = asyncio.create_task(ask())
            await (asking if way == "by a task" else answered.wait())
        await clock.sleep(1)

    waking = asyncio.create_task(wake())
    await clock.until_asleep()
    asyncio.get_running_loop().call_later(0.1, freed.set)
    await clock.advance(1)
    assert answered.is_set()
    await clock.advance(1)
    await waking
