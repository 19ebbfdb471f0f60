"""Watchdog: closes an account's dead sockets, so that the stream readers open new ones."""

from typing import Any

import structlog

from app.exchanges.ccxt.connection.sessions import CLOSE_SECONDS
from app.ports import Clock

_CHECKS_PER_SILENCE = 8

_log = structlog.get_logger(__name__)


class Watchdog:
    """Closes sockets that are silent or have failed unnoticed, so that they are reopened."""

    def __init__(self, clock: Clock, *, silence_seconds: float) -> None:
        self._clock = clock
        self._silence_seconds = silence_seconds
        self._heard: dict[int, tuple[Any, float]] = {}

    async def run(self, client: Any) -> None:
        while True:
            await self._clock.sleep(self._silence_seconds / _CHECKS_PER_SILENCE)
            await self.check(client)

    async def check(self, client: Any) -> None:
        sockets = dict(client.clients)
        self._heard = {
            key: heard
            for key, heard in self._heard.items()
            if key in {id(socket) for socket in sockets.values()}
        }
        for address, socket in sockets.items():
            why = self._why_bad(socket)
            if why is not None:
                await self._drop(client, address, why)

    async def drop_all(self, client: Any, why: str) -> None:
        for address in list(client.clients):
            await self._drop(client, address, why)

    async def _drop(self, client: Any, address: str, why: str) -> None:
        _log.warning("stream.dropped", why=why)
        socket = client.clients.pop(address, None)
        if socket is not None:
            await self._close(socket)

    def _why_bad(self, socket: Any) -> str | None:
        # An error that nobody awaits: this is how a stream ends on a socket that stays open.
        if socket.rejections:
            return "it failed unheard"
        return "it was silent" if self._is_silent(socket) else None

    def _is_silent(self, socket: Any) -> bool:
        """Whether its last message has been the same for too long, by our own clock."""
        if socket.connectionStarted is None:
            # ccxt keeps the token of Kraken's streams in a socket that it never opens.
            return False
        now = self._clock.elapsed()
        message, since = self._heard.get(id(socket), (None, now))
        if id(socket) not in self._heard or message != socket.last_message_at:
            self._heard[id(socket)] = (socket.last_message_at, now)
            return False
        return now - since >= self._silence_seconds

    async def _close(self, socket: Any) -> None:
        try:
            async with self._clock.timeout(CLOSE_SECONDS):
                await socket.close()
        except Exception as error:  # noqa: BLE001 - a socket that cannot be closed is abandoned
            _log.warning("stream.close_failed", error=repr(error))
