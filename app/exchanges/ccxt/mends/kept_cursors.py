"""Keeps the cursors of lists that ccxt drops, and names the size of their pages as it should be."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True, slots=True)
class DroppedCursors:
    """Lists whose answers have the cursor of the next page beside their rows."""

    # The paths of their requests.
    paths: frozenset[str]
    # The field of the answer's data with the rows, and that with the cursor.
    rows: str
    cursor: str
    # The parameter with which ccxt asks for so many rows, and the one that the exchange reads.
    size: str
    true_size: str


def keep_cursors(client: Any, dropped: DroppedCursors) -> None:
    """Make this ccxt client put the cursor of a list into each of its raw rows."""
    send = client.fetch2

    async def fetch2(
        path: str, api: Any = "public", method: str = "GET", params: Any = None, *others: Any
    ) -> Any:
        if path not in dropped.paths:
            return await send(path, api, method, params or {}, *others)
        named = {
            dropped.true_size if name == dropped.size else name: value
            for name, value in (params or {}).items()
        }
        answer = await send(path, api, method, named, *others)
        _share_cursor(answer.get("data"), dropped)
        return answer

    client.fetch2 = fetch2


def _share_cursor(data: object, dropped: DroppedCursors) -> None:
    if not isinstance(data, Mapping) or not data.get(dropped.cursor):
        return
    for row in data.get(dropped.rows) or ():
        row[dropped.cursor] = str(data[dropped.cursor])
