"""Reads every page of a list, however the exchange divides it."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from app.exchanges.ccxt.parsing.order_terms import Row
from app.exchanges.ccxt.parsing.page_styles import PageStyle, Params

# Asks for a page of at most so many rows with these parameters.
Ask = Callable[[int | None, Params], Awaitable[Sequence[Row]]]


async def all_rows(ask: Ask, style: PageStyle, params: Params | None = None) -> list[Row]:
    """The rows of all pages, each once.

    A page with less rows than the limit is the last one, and so is one that brings nothing new or
    leads nowhere new.
    """
    found, seen, pages, page = dict[object, Row](), 0, 0, dict(params or {})
    while True:
        rows = await ask(style.limit, page)
        known = len(found)
        # A row that came meanwhile moves the others on to the next page, where they come again.
        found |= {_name_of(row) or (seen, number): row for number, row in enumerate(rows)}
        seen, pages = seen + len(rows), pages + 1
        is_last = style.limit is not None and len(rows) < style.limit
        further = None if is_last or len(found) == known else style.after(rows, seen, pages)
        if further is None or further.items() <= page.items():
            return list(found.values())
        page |= further


def with_page(arguments: Sequence[Any], limit: int | None, params: Params) -> tuple[Any, ...]:
    """The arguments of a ccxt method that takes a limit and parameters last."""
    return (*arguments, limit, dict(params)) if limit is not None or params else tuple(arguments)


def _name_of(row: Row) -> tuple[Any, ...] | None:
    """The id with the market, because there are exchanges that count in each market anew.

    And with the side: both sides of a hedged position may have one id.
    """
    return None if row.get("id") is None else (row.get("symbol"), row["id"], row.get("side"))
