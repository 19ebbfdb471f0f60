"""The watch command: prints order updates as they happen, and keeps its cursor in a file."""

# Heavy modules are imported in functions, so that --help and --version answer at once.
# ruff: noqa: PLC0415

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

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
from app.cli.pipes import ignore_closed_pipe, until_closed

if TYPE_CHECKING:
    from app.cli.client.cursors import CursorFile
    from app.cli.client.endpoints import Endpoint
    from app.cli.client.responses import Data

# Widths that align the columns on a terminal; a longer cell shifts the rest of its line.
_WIDTHS = (24, 16, 20, 10, 4, 12, 16, 15, 10, 22)


def watch(
    *,
    url: Url = None,
    token_file: TokenFile = None,
    is_open: IsOpen = None,
    account: AccountName = None,
    symbols: Symbols = None,
    statuses: Statuses = None,
    after: Annotated[
        str | None, typer.Option(metavar="CURSOR", help="Go on behind this update.")
    ] = None,
    cursor_file: Annotated[
        Path | None,
        typer.Option(help="Keeps the place: read at the start, rewritten behind every line."),
    ] = None,
    is_json: IsJson = False,
) -> None:
    """Print every update of orders as it happens, through disconnects and restarts.

    It begins behind --after, else behind the cursor in --cursor-file, else now. A line is printed
    first and its cursor kept then: a watch that is killed misses nothing when it is started again,
    and repeats one line at most, the one that it was killed behind.
    """
    order_filter = OrderFilter(is_open=is_open, account=account, symbols=symbols, statuses=statuses)
    with printed_errors():
        from app.cli.client.cursors import CursorFile
        from app.cli.client.endpoints import find_endpoint

        kept = None if cursor_file is None else CursorFile(cursor_file)
        format_update = as_json if is_json else _aligned if is_terminal() else _line
        run = _Run(find_endpoint(url, token_file), order_filter, format_update, kept)
        try:
            with ignore_closed_pipe():
                asyncio.run(run.follow(after))
        except KeyboardInterrupt:
            run.print_how_to_resume()


class _Run:
    """One run of the command: follows updates and keeps the cursor of the last one shown."""

    def __init__(
        self,
        endpoint: "Endpoint",
        order_filter: OrderFilter,
        format_update: Callable[["Data"], str],
        kept: "CursorFile | None",
    ) -> None:
        self._endpoint = endpoint
        self._order_filter = order_filter
        self._format = format_update
        self._kept = kept
        self._cursor: str | None = None

    async def follow(self, after: str | None) -> None:
        from app.cli.client.following import Follower, read_now

        now = await read_now(self._endpoint, self._order_filter)
        start = after or (self._kept.read() if self._kept else None) or now
        self._keep(start)
        follower = Follower(self._endpoint, self._order_filter, show=self._show, warn=_warn)
        await until_closed(follower.run(start))

    def print_how_to_resume(self) -> None:
        if self._cursor is not None:
            typer.echo(f"To go on: orderdeck watch --after {self._cursor}", err=True)

    def _show(self, update: "Data") -> None:
        typer.echo(self._format(update))
        self._keep(str(update["cursor"]))

    def _keep(self, cursor: str) -> None:
        self._cursor = cursor
        if self._kept is not None:
            self._kept.write(cursor)


def _cells(update: "Data") -> tuple[str, ...]:
    order, fill = update["order"], update["fill"]
    return (
        update["at"],
        update["kind"],
        order["clientOrderId"],
        order["symbol"],
        order["side"],
        order["type"],
        order["status"],
        f"{order['filled']}/{order['amount']}",
        order["price"] or order["triggerPrice"] or "-",
        f"{fill['amount']} @ {fill['price']}" if fill else "-",
        update["reason"] or "-",
    )


def _line(update: "Data") -> str:
    return as_line(_cells(update))


def _aligned(update: "Data") -> str:
    cells = _line(update).split("\t")
    padded = (cell.ljust(width) for cell, width in zip(cells, (*_WIDTHS, 0), strict=True))
    return "  ".join(padded)


def _warn(words: str) -> None:
    typer.echo(words, err=True)
