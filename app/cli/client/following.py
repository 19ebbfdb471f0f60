"""Follows order updates through disconnects: no update is missed, none is repeated."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import NoReturn

from app.cli.client.documents import NOW, UPDATES
from app.cli.client.endpoints import Endpoint
from app.cli.client.filters import OrderFilter
from app.cli.client.http import api_client
from app.cli.client.responses import Data, Disconnected, require_object
from app.cli.client.streams import subscribed
from app.primitives.backoff import Backoff

FIRST_PAUSE_SECONDS = 0.25
LONGEST_PAUSE_SECONDS = 5.0


async def read_now(endpoint: Endpoint, order_filter: OrderFilter) -> str:
    """The cursor of the newest event. Raises ApiError if the API cannot be used at all."""
    async with api_client(endpoint) as api:
        data = await api.ask(NOW, filter=order_filter.to_input())
    return str(require_object(data, "orders").get("asOf"))


class Follower:
    """Resubscribes after each disconnect, behind the last update that it passed on."""

    def __init__(
        self,
        endpoint: Endpoint,
        order_filter: OrderFilter,
        *,
        show: Callable[[Data], None],
        warn: Callable[[str], None],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._endpoint = endpoint
        self._filter = order_filter.to_input()
        self._show = show
        self._warn = warn
        self._sleep = sleep
        self._pauses = Backoff(first=FIRST_PAUSE_SECONDS, longest=LONGEST_PAUSE_SECONDS)
        self._is_lost = False

    async def run(self, cursor: str) -> NoReturn:
        """Pass on every update behind the cursor, in order, each once; only an ApiError ends it."""
        self._cursor = cursor
        while True:
            began = asyncio.get_running_loop().time()
            try:
                await self._follow()
            except Disconnected as error:
                if asyncio.get_running_loop().time() - began > LONGEST_PAUSE_SECONDS:
                    self._pauses.reset()
                self._is_lost = True
                seconds = self._pauses.next()
                self._warn(f"{error}; reconnecting in {seconds:g} s")
                await self._sleep(seconds)

    async def _follow(self) -> None:
        variables = {"filter": self._filter, "after": self._cursor}
        async with subscribed(self._endpoint, UPDATES, variables) as stream:
            if self._is_lost:
                self._is_lost = False
                self._warn("connected again")
            async for data in stream:
                update = require_object(data, "orderUpdates")
                self._show(update)
                self._cursor = str(update["cursor"])
                self._pauses.reset()
