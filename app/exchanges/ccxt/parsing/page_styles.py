"""How the exchanges divide their lists into pages: each style knows how to ask for the next one."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from app.exchanges.ccxt.parsing.failures import Unreadable
from app.exchanges.ccxt.parsing.key_permissions import at
from app.exchanges.ccxt.parsing.numbers import text
from app.exchanges.ccxt.parsing.order_terms import Row

Params = Mapping[str, Any]


class PageStyle(Protocol):
    """A list's pages: the most rows of one (None: what the exchange gives), and what follows."""

    @property
    def limit(self) -> int | None: ...

    def after(self, rows: Sequence[Row], seen: int, pages: int) -> Params | None:
        """The parameters of the page after these rows, which end the list's first `seen` rows.

        `pages` says how many pages were read. None: there is no other page.
        """


@dataclass(frozen=True, kw_only=True, slots=True)
class OnePage:
    """A list that is asked for once."""

    limit: int | None = None

    def after(self, rows: Sequence[Row], seen: int, pages: int) -> Params | None:
        return None


@dataclass(frozen=True, kw_only=True, slots=True)
class CursorPages:
    """The exchange gives a cursor to the next page, which ccxt puts into one of the raw rows."""

    field: str
    limit: int | None = None
    # The parameter that asks for the page.
    param: str = "cursor"

    def after(self, rows: Sequence[Row], seen: int, pages: int) -> Params | None:
        raws = (raw for row in rows if isinstance(raw := row.get("info"), Mapping))
        cursors = (text(raw, self.field) for raw in raws)
        cursor = next((cursor for cursor in cursors if cursor is not None), None)
        return None if cursor is None else {self.param: cursor}


@dataclass(frozen=True, kw_only=True, slots=True)
class NumberedPages:
    """The newest first: the next page is below the lowest number of this one."""

    limit: int
    # The parameter that asks for the rows below a number, and the path to that number in a raw row.
    cursor: str
    path: tuple[str, ...]

    def after(self, rows: Sequence[Row], seen: int, pages: int) -> Params | None:
        try:
            # ccxt may have put the page's last row anywhere.
            lowest = min((int(str(at(row.get("info"), self.path))) for row in rows), default=None)
        except ValueError as error:
            raise Unreadable("a list does not tell where its next page begins") from error
        return None if lowest is None else {self.cursor: str(lowest)}


@dataclass(frozen=True, kw_only=True, slots=True)
class OffsetPages:
    """The next page skips the rows that were seen."""

    limit: int
    offset: str

    def after(self, rows: Sequence[Row], seen: int, pages: int) -> Params | None:
        return {self.offset: seen}


@dataclass(frozen=True, kw_only=True, slots=True)
class TimedPages:
    """The oldest first: the next page begins at the time of the last row."""

    limit: int
    start: str

    def after(self, rows: Sequence[Row], seen: int, pages: int) -> Params | None:
        latest = max((row.get("timestamp") or 0 for row in rows), default=0)
        return {self.start: latest} if latest else None


@dataclass(frozen=True, kw_only=True, slots=True)
class CountedPages:
    """The pages have numbers, the first is 1."""

    page: str
    limit: int | None = None

    def after(self, rows: Sequence[Row], seen: int, pages: int) -> Params | None:
        return {self.page: pages + 1}


@dataclass(frozen=True, kw_only=True, slots=True)
class PagesOfMarkets:
    """A page has the next rows of every market, at most `size` of each.

    It is not asked for with a limit: ccxt would cut the rows of all markets together to it.
    """

    page: str
    size: int
    limit: None = None

    def after(self, rows: Sequence[Row], seen: int, pages: int) -> Params | None:
        of_markets = Counter(row.get("symbol") for row in rows)
        is_last = max(of_markets.values(), default=0) < self.size
        return None if is_last else {self.page: pages + 1}


ONE_PAGE = OnePage()
