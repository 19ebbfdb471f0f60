"""What holds the event loop is noticed and named, and nothing else is."""

import asyncio
import gc
import threading
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest
from structlog.testing import capture_logs

from app.services import Services
from app.services.metrics import Metrics
from app.services.operation.loop_watch import (
    PATIENCE_SECONDS,
    LoopStop,
    LoopWatch,
    logging_stops,
)


@asynccontextmanager
async def watched(*, stop_seconds: float = 0.05) -> AsyncIterator[list[LoopStop]]:
    stops: list[LoopStop] = []
    watch = LoopWatch(stops.append, pause_seconds=0.002, stop_seconds=stop_seconds)
    running = asyncio.create_task(watch.run())
    await asyncio.sleep(0.01)
    yield stops
    # A sign of life, so that the thread has told what it saw.
    await asyncio.sleep(0.05)
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running


def hold_the_loop(seconds: float) -> None:
    time.sleep(seconds)


async def test_what_holds_the_loop_is_named_once() -> None:
    async with watched() as stops:
        hold_the_loop(0.3)
    [stop] = stops
    assert stop.seconds >= 0.2
    assert stop.stack[0].startswith("services/operation/test_loop_watch.py:")
    assert stop.stack[0].endswith(" hold_the_loop")


async def test_a_loop_that_has_nothing_to_do_does_not_stand_still() -> None:
    async with watched() as stops:
        await asyncio.sleep(0.3)
    assert stops == []


async def test_a_garbage_collection_is_named() -> None:
    begun = threading.Event()

    def linger(phase: str, _: dict[str, int]) -> None:
        if phase == "start" and not begun.is_set():
            begun.set()
            hold_the_loop(0.3)

    async with watched() as stops:
        gc.callbacks.append(linger)
        try:
            gc.collect()
        finally:
            gc.callbacks.remove(linger)
    [stop] = stops
    assert stop.stack[0] == "garbage collection of generation 2"


async def test_the_thread_ends_with_the_watch() -> None:
    # A runtime that other tests share has a watch of its own.
    before, callbacks = watches(), len(gc.callbacks)
    async with watched():
        assert len(watches() - before) == 1
    assert watches() == before
    assert len(gc.callbacks) == callbacks


def watches() -> set[threading.Thread]:
    return {thread for thread in threading.enumerate() if thread.name == "loop-watch"}


async def test_the_watch_ends_at_once_even_if_the_loop_was_held_just_then() -> None:
    watching = asyncio.create_task(LoopWatch(lambda _: None, pause_seconds=0.001).run())
    await asyncio.sleep(0.05)
    watching.cancel()
    hold_the_loop(0.2)
    began = time.monotonic()
    with suppress(asyncio.CancelledError):
        await watching
    assert time.monotonic() - began < PATIENCE_SECONDS / 2


async def test_a_stop_is_a_warning_and_is_counted() -> None:
    metrics = Metrics()
    stop = LoopStop(seconds=0.25, stack=("app/somewhere.py:7 slow",))
    with capture_logs() as logged:
        logging_stops(metrics)(stop)
    assert logged == [
        {
            "event": "loop.stopped", "log_level": "warning", "seconds": 0.25,
            "held_by": ["app/somewhere.py:7 slow"],
        }
    ]  # fmt: skip
    assert metrics.registry.get_sample_value("orderdeck_loop_stops_total") == 1


@pytest.mark.slow
async def test_the_runtime_watches_its_loop(services: Services) -> None:
    await asyncio.sleep(0.1)
    hold_the_loop(0.3)
    for _ in range(1000):
        if services.metrics.registry.get_sample_value("orderdeck_loop_stops_total"):
            return
        await asyncio.sleep(0.01)
    pytest.fail("the stop was not counted")
