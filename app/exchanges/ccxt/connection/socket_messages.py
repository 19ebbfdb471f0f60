"""A message that ccxt cannot handle fails those who wait on its socket, and the socket lives on."""

from collections.abc import Callable
from typing import Any

import structlog

_log = structlog.get_logger(__name__)

Handle = Callable[[Any, Any], Any]


def outliving(handle: Handle) -> Handle:
    """Without this, ccxt ends the reading of the socket for good and tells nobody.

    Who waits gets the error, and so looks up what he may have missed.
    """

    def handled(socket: Any, message: Any) -> Any:
        try:
            return handle(socket, message)
        except Exception as error:  # noqa: BLE001 - whatever ccxt stumbles over
            _log.warning("stream.message_unreadable", error=repr(error))
            # A login that is over has a future too, and ccxt needs it until the socket closes.
            waiting = [name for name, future in socket.futures.items() if not future.done()]
            for name in waiting:
                socket.reject(error, name)
            return None

    return handled
