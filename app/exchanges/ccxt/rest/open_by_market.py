"""Reads the open orders of an account whose exchange lists them for one market at a time."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from app.exchanges.ccxt.parsing.failures import Unreadable
from app.exchanges.ccxt.parsing.key_permissions import at
from app.exchanges.ccxt.parsing.order_terms import Row
from app.exchanges.ccxt.rows.quirks import OpenByMarket

# A raw method of the exchange's, with its parameters.
Ask = Callable[[str, Mapping[str, Any]], Awaitable[Any]]


async def open_rows(
    ask: Ask, lists: OpenByMarket, parse: Callable[[Sequence[Any]], Sequence[Row]]
) -> list[Row]:
    """The open orders of all markets that have some, also of those that ccxt does not know yet."""
    markets = _list_in(await ask(lists.markets_method, {}), lists.markets_path)
    named = ({**lists.params, lists.market_param: market} for market in markets)
    answers = await asyncio.gather(*(ask(lists.orders_method, params) for params in named))
    return [row for answer in answers for row in parse(_list_in(answer, lists.orders_path))]


def _list_in(answer: object, path: tuple[str | int, ...]) -> Sequence[Any]:
    """A list that is null has nothing in it."""
    found = at(answer, path)
    if found is None:
        return ()
    if not isinstance(found, list):
        raise Unreadable("the exchange answered without a list of open orders")
    return found
