"""The tokens for WebSockets, which REST gives away together with the address to dial."""

from collections.abc import Callable
from itertools import count
from typing import Any

PUBLIC, PRIVATE = "/public", "/private"


class StreamTokens:
    def __init__(self, address: Callable[[], str]) -> None:
        self._address = address
        self._numbers = count(1)
        self._owners: dict[str, str | None] = {}

    def give(self, owner: str | None) -> dict[str, Any]:
        """A token for an account, or for nobody in particular."""
        token = f"2neAiuYvAU61ZDXANAGAsiL4-iAExhsBXZxftpOeh_{next(self._numbers)}"
        self._owners[token] = owner
        path = PUBLIC if owner is None else PRIVATE
        server = {
            "endpoint": f"ws://{self._address()}{path}",
            "encrypt": True,
            "protocol": "websocket",
            "pingInterval": 18000,
            "pingTimeout": 10000,
        }
        return {"token": token, "instanceServers": [server]}

    def expire(self) -> None:
        """End all tokens, as KuCoin does after 24 hours."""
        self._owners.clear()

    def knows(self, token: str | None) -> bool:
        return token in self._owners

    def owner(self, token: str | None) -> str | None:
        return self._owners.get(token or "")
