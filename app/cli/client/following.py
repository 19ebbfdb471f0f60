"""Follows the updates of orders through every disconnect: nothing missed, nothing repeated."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import NoReturn

from app.cli.client.documents import NOW, UPDATES
from app.cli.client.endpoints import Endpoint
from app.cli.client.filters import Wanted
from app.cli.client.http import api_client
from app.cli.client.responses import Data, Disconnected, require_object
from app.cli.client.streams import subscribed
from app.primitives.backoff import Backoff

FIRST_PAUSE_SECONDS = 0.25
LONGEST_PAUSE_SECONDS = 5.0


async def read_now(endpoint: Endpoint, wanted: Wanted) -> str:
    """The cursor behind all that has happened. Raises where the API cannot be used at all."""
    async with api_client(endpoint) as api:
        data = await api.ask(NOW, filter=wanted.to_input())
    return str(require_object(data, "orders").get("asOf"))


class Follower:
    """Knows the last update that was told, and goes on behind it."""

    def __init__(
        self,
        endpoint: Endpoint,
        wanted: Wanted,
        *,
        tell: Callable[[Data], None],
        warn: Callable[[str], None],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._endpoint = endpoint
        self._filter = wanted.to_input()
        self._tell = tell
        self._warn = warn
        self._sleep = sleep
        self._pauses = Backoff(first=FIRST_PAUSE_SECONDS, longest=LONGEST_PAUSE_SECONDS)
        self._is_lost = False

    async def run(self, cursor: str) -> NoReturn:
        """Tell every update behind the cursor, in order, each once; an ApiError ends it."""
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
                self._tell(update)
                self._cursor = str(update["cursor"])
                self._pauses.reset()
