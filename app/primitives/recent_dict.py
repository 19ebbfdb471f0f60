"""A dict that is bounded: it forgets its oldest keys."""

from typing import TypeVar

K = TypeVar("K")
V = TypeVar("V")


class RecentDict(dict[K, V]):
    """Keeps the newest `most` keys. A key that is set again keeps its age: pop it to renew it."""

    def __init__(self, most: int) -> None:
        super().__init__()
        self._most = most

    def __setitem__(self, key: K, value: V) -> None:
        super().__setitem__(key, value)
        if len(self) > self._most:
            del self[next(iter(self))]
