"""Waits for what must not be left half done."""

import asyncio
from typing import Any


async def finished(task: "asyncio.Future[Any]") -> None:
    """However often whoever waits is cancelled, which is told in the end."""
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait([task])
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        raise cancelled
