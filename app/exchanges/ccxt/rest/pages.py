"""Reads every page of a list, where an exchange gives a cursor to the next page."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from app.exchanges.ccxt.parsing.numbers import text

Row = Mapping[str, Any]


async def all_pages(
    ask: Callable[[Row], Awaitable[Sequence[Row]]], *, cursor_field: str | None, limit: int | None
) -> list[Row]:
    """The rows of all pages, each once; `ask` gets the parameters that name the page.

    A page with less than `limit` rows is the last one, though it may have a cursor too.
    """
    found, params = dict[tuple[Any, Any], Row](), dict[str, Any]()
    while True:
        rows, known = await ask(params), len(found)
        # A row that came meanwhile moves the others on to the next page, where they come again.
        found |= {_name_of(row) or (known, number): row for number, row in enumerate(rows)}
        cursor = None if cursor_field is None else _cursor_in(rows, cursor_field)
        is_last = limit is not None and len(rows) < limit
        if cursor is None or is_last or len(found) == known:
            return list(found.values())
        params = {"cursor": cursor}


def _name_of(row: Row) -> tuple[Any, Any] | None:
    """The id with the market, because there are exchanges that count in each market anew."""
    return None if row.get("id") is None else (row.get("symbol"), row["id"])


def _cursor_in(rows: Sequence[Row], field: str) -> str | None:
    """The cursor, which ccxt puts into one of the raw rows."""
    raws = (raw for row in rows if isinstance(raw := row.get("info"), Mapping))
    return next((cursor for raw in raws if (cursor := text(raw, field)) is not None), None)
