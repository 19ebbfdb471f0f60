"""Reads the pages of a long list, each from below the last row of the one before."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import replace

from app.exchanges.ccxt.connection.calls import Call
from app.exchanges.ccxt.connection.exchange_quirks import Pages
from app.exchanges.ccxt.parsing.failures import Unreadable
from app.exchanges.ccxt.parsing.key_permissions import at
from app.exchanges.ccxt.parsing.order_terms import Row

Ask = Callable[[Call], Awaitable[Sequence[Row]]]


async def all_rows(ask: Ask, call: Call, pages: Pages | None) -> Sequence[Row]:
    """Every row of a list; of one without pages, what the call answers.

    A call for pages has all of its arguments but the limit and the parameters.
    """
    if pages is None:
        return await ask(call)
    found: list[Row] = []
    params: dict[str, object] = {}
    while True:
        rows = await ask(replace(call, arguments=(*call.arguments, pages.limit, params)))
        found += rows
        if len(rows) < pages.limit:
            return found
        params = {pages.cursor: str(_lowest(rows, pages))}


def _lowest(rows: Iterable[Row], pages: Pages) -> int:
    """The number of the page's last row, which ccxt may have put anywhere."""
    try:
        return min(int(str(at(row.get("info"), pages.path))) for row in rows)
    except ValueError as error:
        raise Unreadable("a page of a list that does not tell where the next begins") from error
