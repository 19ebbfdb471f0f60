import asyncio
from datetime import timedelta

import pytest

from tests.conftest import START
from tests.fakes import ManualClock


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
