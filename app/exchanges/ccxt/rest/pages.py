"""Reads every page of a long list, by the exchange's cursor or from below the last row."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from app.exchanges.ccxt.connection.calls import Call
from app.exchanges.ccxt.connection.exchange_quirks import NumberedPages
from app.exchanges.ccxt.parsing.failures import Unreadable
from app.exchanges.ccxt.parsing.key_permissions import at
from app.exchanges.ccxt.parsing.numbers import text
from app.exchanges.ccxt.parsing.order_terms import Row


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


async def pages_below(
    ask: Callable[[Call], Awaitable[Sequence[Row]]], call: Call, pages: NumberedPages
) -> Sequence[Row]:
    """The rows of all pages, each of which begins below the lowest number of the one before.

    The call has all of its arguments but the limit and the parameters.
    """
    found: list[Row] = []
    params: dict[str, object] = {}
    while True:
        rows = await ask(replace(call, arguments=(*call.arguments, pages.limit, params)))
        found += rows
        if len(rows) < pages.limit:
            return found
        params = {pages.cursor: str(_lowest(rows, pages))}


def _lowest(rows: Iterable[Row], pages: NumberedPages) -> int:
    """The number of the page's last row, which ccxt may have put anywhere."""
    try:
        return min(int(str(at(row.get("info"), pages.path))) for row in rows)
    except ValueError as error:
        raise Unreadable("a page of a list that does not tell where the next begins") from error
