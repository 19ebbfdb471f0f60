"""The options that the orders and watch commands share, and the order filter made of them."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from app.domain.orders.order import OrderStatus

Url = Annotated[
    str | None,
    typer.Option(help="Where the server is. Left out: $ORDERDECK_URL, else by the settings."),
]
TokenFile = Annotated[
    Path | None,
    typer.Option(
        help="A file with the token, if $ORDERDECK_TOKEN is not set."
        " Left out: admin-token in the data folder."
    ),
]
IsOpen = Annotated[bool | None, typer.Option("--open/--closed", help="Not final, or final.")]
AccountName = Annotated[str | None, typer.Option("--account", help="On this account.")]
Symbols = Annotated[
    list[str] | None, typer.Option("--symbol", help="In this market; may be repeated.")
]
Statuses = Annotated[
    list[OrderStatus] | None,
    typer.Option("--status", case_sensitive=False, help="In this state; may be repeated."),
]
IsJson = Annotated[bool, typer.Option("--json", help="For scripts.")]


@dataclass(frozen=True, kw_only=True, slots=True)
class OrderFilter:
    """Selects orders; all given conditions must hold."""

    is_open: bool | None = None
    account: str | None = None
    symbols: list[str] | None = None
    statuses: list[OrderStatus] | None = None

    def to_input(self) -> dict[str, object]:
        """The GraphQL input OrderFilter."""
        given = {
            "open": self.is_open,
            "account": self.account,
            "symbols": self.symbols or None,
            "statuses": self.statuses or None,
        }
        return {name: value for name, value in given.items() if value is not None}
