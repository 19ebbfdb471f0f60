"""Client order ids for whoever gives none."""

from itertools import count


class Names:
    def __init__(self, prefix: str = "venue") -> None:
        self._numbers = count(1)
        self._prefix = prefix

    def next(self) -> str:
        return f"{self._prefix}{next(self._numbers):017d}"
