"""The link between web server and application for one WebSocket, passed in the ASGI scope."""

from collections.abc import Callable, MutableMapping
from dataclasses import dataclass
from typing import Any

_EXTENSION = "orderdeck.socket"


@dataclass(kw_only=True, slots=True)
class SocketLink:
    """Callbacks that the server puts into the ASGI scope, and the application takes from there."""

    # The server accepts only small messages until the application knows the client and calls this.
    allow_large_messages: Callable[[], None]
    # Called when the server stops, so that the application can close the socket in its own words.
    on_shutdown: Callable[[], None] | None = None

    def put_into(self, scope: MutableMapping[str, Any]) -> None:
        scope.setdefault("extensions", {})[_EXTENSION] = self

    @classmethod
    def of(cls, scope: MutableMapping[str, Any]) -> "SocketLink | None":
        """The link of a socket, or None under a server that is not ours."""
        link: SocketLink | None = scope.get("extensions", {}).get(_EXTENSION)
        return link
