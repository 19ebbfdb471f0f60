"""Output that goes into a pipe, whose reader may leave at any time."""

import asyncio
import os
import stat
import sys
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager, suppress
from typing import NoReturn


async def until_closed(following: Coroutine[None, None, NoReturn]) -> None:
    """Until it fails, or whoever reads the output has gone, who may do so between two updates."""
    running = asyncio.create_task(following)
    closed = asyncio.Event()
    with _watched_pipe(closed.set):
        waiting = asyncio.create_task(closed.wait())
        try:
            await asyncio.wait({running, waiting}, return_when=asyncio.FIRST_COMPLETED)
            if running.done():
                running.result()
            raise BrokenPipeError
        finally:
            running.cancel()
            waiting.cancel()
            await asyncio.gather(running, waiting, return_exceptions=True)


@contextmanager
def quiet_where_closed() -> Iterator[None]:
    """Whoever reads may stop at any time: then there is nothing left to do, and no complaint."""
    try:
        yield
    except BrokenPipeError:
        with suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@contextmanager
def _watched_pipe(on_close: Callable[[], None]) -> Iterator[None]:
    """A pipe whose reader is gone counts as readable; of files and terminals nothing is asked."""
    loop = asyncio.get_running_loop()
    descriptor = _pipe()
    if descriptor is None:
        yield
        return
    loop.add_reader(descriptor, on_close)
    try:
        yield
    finally:
        loop.remove_reader(descriptor)


def _pipe() -> int | None:
    try:
        descriptor = sys.stdout.fileno()
        return descriptor if stat.S_ISFIFO(os.fstat(descriptor).st_mode) else None
    except (OSError, ValueError):
        return None
