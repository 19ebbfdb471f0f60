"""Tells whoever is still waiting for an answer when the server ends that none will come."""

import asyncio
from collections.abc import Callable

from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send


class ShutdownResponse:
    """Around requests over HTTP; a socket is closed with a code of its own."""

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
            # The task ends here: whoever broke it off waits for nothing else of it.
            if not is_begun:
                await self._farewell()(scope, receive, send)
