"""Waits until ccxt has subscribed to a stream, so that nothing is sent too early."""

import asyncio
from asyncio import Task
from collections.abc import Coroutine
from typing import Any

import ccxt.pro

_PATIENCE_SECONDS = 3.0
_GLANCE_SECONDS = 0.0005


async def watching(
    client: ccxt.pro.binance, topic: str, watch: Coroutine[Any, Any, Any]
) -> Task[Any]:
    """Start a watch call; return once the next message of the topic would reach it."""
    task = asyncio.create_task(watch)
    async with asyncio.timeout(_PATIENCE_SECONDS):
        while not (is_heard(client, topic) or task.done()):  # noqa: ASYNC110 - ccxt has no event for it
            await asyncio.sleep(_GLANCE_SECONDS)
    return task


def is_heard(client: ccxt.pro.binance, topic: str) -> bool:
    return any(topic in each.futures and each.isConnected for each in client.clients.values())


async def heard(task: Task[Any]) -> Any:
    async with asyncio.timeout(_PATIENCE_SECONDS):
        return await task
