"""UntilFound: the pages of a list in which one order is looked for."""

from collections.abc import Sequence
from dataclasses import dataclass

from app.domain.orders.reports import OrderKey
from app.exchanges.ccxt.connection.calls import is_this
from app.exchanges.ccxt.parsing.order_terms import Row
from app.exchanges.ccxt.parsing.page_styles import PageStyle, Params
from app.exchanges.ccxt.rows.quirks import ExchangeQuirks


@dataclass(frozen=True, kw_only=True, slots=True)
class UntilFound:
    """The page that has the order is the last one that is asked for."""

    key: OrderKey
    quirks: ExchangeQuirks
    # How the list goes on.
    style: PageStyle

    @property
    def limit(self) -> int | None:
        return self.style.limit

    def after(self, rows: Sequence[Row], seen: int, pages: int) -> Params | None:
        if any(is_this(self.quirks.named(row), self.key) for row in rows):
            return None
        return self.style.after(rows, seen, pages)
