"""Makes ids: ULIDs that sort by time, and wire ids for orders."""

import secrets

from ulid import ULID

_WIRE_FIRST = "abcdefghijklmnopqrsuvwxyz"
_WIRE_REST = "0123456789abcdefghijklmnopqrstuvwxyz"


class AscendingIds:
    """ULIDs that sort in the order in which this process made them, even within a millisecond."""

    def __init__(self) -> None:
        self._last = 0

    def new(self) -> str:
        self._last = max(int(ULID()), self._last + 1)
        return str(ULID.from_int(self._last))


def new_wire_id() -> str:
    """A random wire id: 18 characters in a form that every exchange accepts."""
    rest = "".join(secrets.choice(_WIRE_REST) for _ in range(17))
    return secrets.choice(_WIRE_FIRST) + rest
