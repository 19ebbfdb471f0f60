"""Handles output into a pipe whose reader may close it at any time, such as head."""

import asyncio
import os
import stat
import sys
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager, suppress
from typing import NoReturn


async def until_closed(following: Coroutine[None, None, NoReturn]) -> None:
    """Run until it fails or the reader closes the pipe, which is noticed also between lines."""
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
def ignore_closed_pipe() -> Iterator[None]:
    """End quietly if the reader has closed the pipe: nothing is left to do."""
    try:
        yield
    except BrokenPipeError:
        with suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@contextmanager
def _watched_pipe(on_close: Callable[[], None]) -> Iterator[None]:
    """Call on_close when the pipe's reader is gone: the pipe then polls as readable."""
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
