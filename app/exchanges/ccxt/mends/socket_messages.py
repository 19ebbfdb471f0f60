"""What ccxt does with a socket's messages, without its ways to fall silent for good."""

import asyncio
from collections.abc import Callable
from typing import Any

import structlog

# ccxt's name for what waits for a login; it stays when that is done.
_LOGIN = "authenticated"

_log = structlog.get_logger(__name__)

Handle = Callable[[Any, Any], Any]


def outliving(handle: Handle) -> Handle:
    """A message that cannot be handled fails those who wait, and costs neither socket nor login.

    If its handler raises, ccxt ends the reading of the socket and tells nobody. If the message is
    an error, or a mere notice, it drops the login too, and then waits for another that it never
    sends. Who waits gets the error, and so looks up what he may have missed.
    """

    def handled(socket: Any, message: Any) -> None:
        login = socket.futures.get(_LOGIN)
        try:
            handle(socket, message)
        except Exception as error:  # noqa: BLE001 - whatever ccxt stumbles over
            _log.warning("stream.message_unreadable", error=repr(error))
            waiting = [name for name, future in socket.futures.items() if not future.done()]
            for name in waiting:
                socket.reject(error, name)
        finally:
            if login is not None and _has_succeeded(login):
                socket.futures.setdefault(_LOGIN, login)

    return handled


def _has_succeeded(future: "asyncio.Future[Any]") -> bool:
    return future.done() and not future.cancelled() and future.exception() is None
