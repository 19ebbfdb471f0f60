"""The orders command: lists orders of a running server as a table, lines or JSON."""

# Heavy modules are imported in functions, so that --help and --version answer at once.
# ruff: noqa: PLC0415

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from app.cli.client.documents import ORDERS
from app.cli.client.filters import (
    AccountName,
    IsJson,
    IsOpen,
    OrderFilter,
    Statuses,
    Symbols,
    TokenFile,
    Url,
)
from app.cli.output import as_json, as_line, is_terminal, printed_errors
from app.cli.pipes import ignore_closed_pipe
from app.server.visible_text import visible

if TYPE_CHECKING:
    from app.cli.client.endpoints import Endpoint
    from app.cli.client.http import ApiClient
    from app.cli.client.responses import Data

PAGE = 500
_HEADINGS = (
    "CREATED", "CLIENT ORDER ID", "ACCOUNT", "SYMBOL", "SIDE", "TYPE", "STATUS",
    "FILLED", "AMOUNT", "PRICE", "AVERAGE",
)  # fmt: skip
# Wider than any row: a narrow terminal wraps the line, where Rich would fold cells and cut numbers.
_WIDE = 500
_NUMBERS = {"FILLED", "AMOUNT", "PRICE", "AVERAGE"}


def orders(
    *,
    url: Url = None,
    token_file: TokenFile = None,
    is_open: IsOpen = None,
    account: AccountName = None,
    symbols: Symbols = None,
    statuses: Statuses = None,
    limit: Annotated[int, typer.Option(min=1, help="How many at most.")] = 50,
    is_json: IsJson = False,
) -> None:
    """List the orders of a running server, the newest first."""
    order_filter = OrderFilter(is_open=is_open, account=account, symbols=symbols, statuses=statuses)
    with printed_errors():
        from app.cli.client.endpoints import find_endpoint

        found = asyncio.run(_list(find_endpoint(url, token_file), order_filter, limit))
    with ignore_closed_pipe():
        _print(found, is_json=is_json)


async def _list(endpoint: "Endpoint", order_filter: OrderFilter, limit: int) -> "Data":
    from app.cli.client.http import api_client

    async with api_client(endpoint) as api:
        return await read_orders(api, order_filter, limit)


async def read_orders(
    api: "ApiClient", order_filter: OrderFilter, limit: int, *, page_size: int = PAGE
) -> "Data":
    """Read all pages. asOf is the first page's, so that updates behind it include later changes."""
    page = await _page(api, order_filter, first=min(limit, page_size))
    as_of, found = page["asOf"], page["nodes"]
    while page["pageInfo"]["hasNextPage"] and len(found) < limit:
        after = page["pageInfo"]["endCursor"]
        page = await _page(api, order_filter, first=min(limit - len(found), page_size), after=after)
        found += page["nodes"]
    return {"totalCount": page["totalCount"], "asOf": as_of, "orders": found}


async def _page(api: "ApiClient", order_filter: OrderFilter, **paging: object) -> "Data":
    from app.cli.client.responses import require_object

    return require_object(await api.ask(ORDERS, filter=order_filter.to_input(), **paging), "orders")


def _print(found: "Data", *, is_json: bool) -> None:
    if is_json:
        typer.echo(as_json(found))
        return
    rows = [_row(order) for order in found["orders"]]
    if is_terminal():
        _print_table(rows)
    else:
        for row in rows:
            typer.echo(as_line(row))
    typer.echo(visible(f"{len(rows)} of {found['totalCount']} orders"), err=True)


def _row(order: "Data") -> tuple[str, ...]:
    return (
        order["createdAt"],
        order["clientOrderId"],
        order["account"]["name"],
        order["symbol"],
        order["side"],
        order["type"],
        order["status"],
        order["filled"],
        order["amount"],
        order["price"] or order["triggerPrice"] or "-",
        order["averagePrice"] or "-",
    )


def _print_table(rows: Sequence[Sequence[str]]) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in _HEADINGS:
        is_number = heading in _NUMBERS
        table.add_column(heading, justify="right" if is_number else "left")
    for row in rows:
        table.add_row(*(Text(visible(str(cell))) for cell in row))
    Console(highlight=False, width=_WIDE).print(table)
