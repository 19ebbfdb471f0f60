"""Middleware that answers requests still running at shutdown: they are broken off."""

import asyncio
from collections.abc import Callable

from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send


class ShutdownResponse:
    """Sends the farewell response for canceled HTTP requests; sockets have a close code instead."""

    def __init__(self, app: ASGIApp, farewell: Callable[[], Response]) -> None:
        self._app = app
        self._farewell = farewell

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        is_begun = False

        async def send_noted(message: Message) -> None:
            nonlocal is_begun
            is_begun = True
            await send(message)

        try:
            await self._app(scope, receive, send_noted)
        except asyncio.CancelledError:
            # The cancellation ends here: it is the task's own, and nothing waits for its result.
            if not is_begun:
                await self._farewell()(scope, receive, send)
