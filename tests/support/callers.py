"""Several callers at once, in one test."""

import asyncio
from collections.abc import Coroutine
from contextvars import Context
from typing import TypeVar

T = TypeVar("T")


def begin_elsewhere(work: Coroutine[None, None, T]) -> "asyncio.Task[T]":
    """Begin work as another caller would, who knows nothing of the connection held here."""
    return asyncio.create_task(work, context=Context())


async def elsewhere(work: Coroutine[None, None, T]) -> T:
    """Do work as another caller would, while this one holds a connection."""
    return await begin_elsewhere(work)
