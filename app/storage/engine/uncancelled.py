"""wait_uncancelled: waits for a task that must not be left half done."""

import asyncio
from typing import Any


async def wait_uncancelled(task: "asyncio.Future[Any]") -> None:
    """Wait for the task even if cancelled; re-raise the cancellation once the task is done."""
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait([task])
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        raise cancelled
