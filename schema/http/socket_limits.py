"""Caps on open sockets: one for all unauthenticated sockets together, one for each token."""

from collections import Counter
from collections.abc import Callable, Hashable

MAX_UNAUTHENTICATED = 2_000
MAX_PER_TOKEN = 2_000


class TooManySockets(Exception):
    """A token has as many sockets open as it may: close one first."""


class SocketLimits:
    """Counts the sockets of this process; a new one pushes out the oldest unauthenticated one.

    Real clients authenticate at once, so sockets that only wait cannot keep them out.
    """

    def __init__(
        self, *, max_unauthenticated: int = MAX_UNAUTHENTICATED, max_per_token: int = MAX_PER_TOKEN
    ) -> None:
        self._max_unauthenticated = max_unauthenticated
        self._max_per_token = max_per_token
        self._unauthenticated: dict[Hashable, Callable[[], None]] = {}
        self._per_token: Counter[str] = Counter()
        self._tokens: dict[Hashable, str] = {}

    def add(self, socket: Hashable, push_out: Callable[[], None]) -> None:
        """Count a new socket; push_out is called if it must make room before it authenticates."""
        if len(self._unauthenticated) >= self._max_unauthenticated:
            self._unauthenticated.pop(next(iter(self._unauthenticated)))()
        self._unauthenticated[socket] = push_out

    def authenticate(self, socket: Hashable, token_id: str) -> None:
        """Count a socket for its token from now on. Raises TooManySockets if the token is full."""
        if self._per_token[token_id] >= self._max_per_token:
            raise TooManySockets(f"a token has {self._max_per_token} sockets at most")
        self._unauthenticated.pop(socket, None)
        self._per_token[token_id] += 1
        self._tokens[socket] = token_id

    def remove(self, socket: Hashable) -> None:
        """Stop counting a socket that has ended, authenticated or not."""
        self._unauthenticated.pop(socket, None)
        token_id = self._tokens.pop(socket, None)
        if token_id is None:
            return
        self._per_token[token_id] -= 1
        if not self._per_token[token_id]:
            del self._per_token[token_id]
