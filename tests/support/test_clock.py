"""The manual clock: whom it wakes, in which order, and what it waits for."""

import asyncio
import sys
import threading
from asyncio import StreamReader, StreamWriter
from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest

from app.storage.database import Database
from tests.conftest import START, on_each_database
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


async def woken_to(clock: ManualClock, work: Callable[[], Awaitable[object]]) -> bool:
    """Whether it has ended when the clock has woken a task to do it."""
    ended = asyncio.Event()

    async def wake() -> None:
        await clock.sleep(1)
        await work()
        ended.set()
        await asyncio.Event().wait()

    waking = asyncio.create_task(wake())
    await clock.until_asleep()
    await clock.advance(1)
    waking.cancel()
    return ended.is_set()


@on_each_database
async def test_a_task_that_reads_and_writes_a_database_is_waited_for(
    clock: ManualClock, database: Database
) -> None:
    async def work() -> None:
        for _ in range(3):
            async with database.snapshot() as view:
                await view.tokens.list()
            async with database.transaction() as tx:
                await tx.tokens.list()

    assert await woken_to(clock, work)


async def test_a_task_that_asks_a_process_is_waited_for(clock: ManualClock) -> None:
    program = "import time; input(); time.sleep(0.1); print()"

    async def work() -> None:
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", program, stdin=pipe, stdout=pipe
        )
        await process.communicate(b"\n")

    assert await woken_to(clock, work)


async def test_a_task_that_asks_a_server_of_this_loop_is_waited_for(clock: ManualClock) -> None:
    async def echo(reader: StreamReader, writer: StreamWriter) -> None:
        writer.write(await reader.readline())
        writer.close()

    async def work() -> None:
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        writer.write(b"word\n")
        assert await reader.read() == b"word\n"
        writer.close()

    async with await asyncio.start_server(echo, "127.0.0.1", 0) as server:
        assert await woken_to(clock, work)


async def test_nobody_is_waited_for_who_waits_for_what_may_never_come(clock: ManualClock) -> None:
    async def wait() -> None:
        await clock.sleep(1)
        await asyncio.get_running_loop().create_future()

    waiting = [asyncio.create_task(wait()) for _ in range(40)]
    await clock.until_asleep(40)
    async with asyncio.timeout(20):
        await clock.advance(1)
    assert not any(task.done() for task in waiting)
    for task in waiting:
        task.cancel()


@pytest.mark.parametrize("step", [3600.0, -3600.0])
async def test_a_step_of_the_wall_clock_wakes_nobody_and_is_not_elapsed_time(
    clock: ManualClock, step: float
) -> None:
    began, sleeper = clock.elapsed(), asyncio.create_task(clock.sleep(10))
    await clock.until_asleep()
    clock.step(wall=step)
    assert clock.elapsed() == began
    assert clock.now() - START == timedelta(seconds=step)
    await clock.advance(9)
    assert not sleeper.done()
    await clock.advance(1)
    assert sleeper.done()
    assert clock.elapsed() - began == pytest.approx(10)
    assert clock.now() - START == timedelta(seconds=step + 10)


async def test_a_sleeper_finds_that_its_time_has_elapsed(clock: ManualClock) -> None:
    due = clock.elapsed() + 0.1 + 0.2
    sleeper = asyncio.create_task(clock.sleep(due - clock.elapsed()))
    await clock.until_asleep()
    await clock.advance(0.3)
    await sleeper
    assert clock.elapsed() >= due
