"""How many sockets there may be: of strangers in all, and of each token."""

from collections import Counter
from collections.abc import Callable, Hashable

MAX_STRANGERS = 2_000
MAX_OF_TOKEN = 2_000


class TooManySockets(Exception):
    """A token has all the sockets that it may have: close one first."""


class SocketLimits:
    """Counts the sockets of this process, and shows the longest waiting stranger out for a new one.

    Whoever knows a token says so at once: strangers that only wait keep nobody out.
    """

    def __init__(
        self, *, max_strangers: int = MAX_STRANGERS, max_of_token: int = MAX_OF_TOKEN
    ) -> None:
        self._max_strangers = max_strangers
        self._max_of_token = max_of_token
        self._strangers: dict[Hashable, Callable[[], None]] = {}
        self._of_tokens: Counter[str] = Counter()
        self._tokens: dict[Hashable, str] = {}

    def receive(self, socket: Hashable, show_out: Callable[[], None]) -> None:
        """Let a stranger wait."""
        if len(self._strangers) >= self._max_strangers:
            self._strangers.pop(next(iter(self._strangers)))()
        self._strangers[socket] = show_out

    def admit(self, socket: Hashable, token_id: str) -> None:
        """A stranger has shown a token."""
        if self._of_tokens[token_id] >= self._max_of_token:
            raise TooManySockets(f"a token has {self._max_of_token} sockets at most")
        self._strangers.pop(socket, None)
        self._of_tokens[token_id] += 1
        self._tokens[socket] = token_id

    def leave(self, socket: Hashable) -> None:
        """A socket has ended, whoever it was."""
        self._strangers.pop(socket, None)
        token_id = self._tokens.pop(socket, None)
        if token_id is None:
            return
        self._of_tokens[token_id] -= 1
        if not self._of_tokens[token_id]:
            del self._of_tokens[token_id]
