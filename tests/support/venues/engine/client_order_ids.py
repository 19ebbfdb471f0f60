"""Generates client order ids for orders that are placed without one."""

from itertools import count


class ClientOrderIds:
    def __init__(self, prefix: str = "venue") -> None:
        self._numbers = count(1)
        self._prefix = prefix

    def next(self) -> str:
        return f"{self._prefix}{next(self._numbers):017d}"
