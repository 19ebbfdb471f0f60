"""Keyset pagination: every page costs the same, and inserted or deleted rows shift no other row."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, RowMapping, Select, and_, or_

from app.domain.pages import Key, Page, PageRequest
from app.storage.engine.sql import Sql

T = TypeVar("T")


class Keyset:
    """The two columns that a list is sorted by, both in the same direction."""

    def __init__(
        self, value: ColumnElement[Any], tie: ColumnElement[str], *, descending: bool
    ) -> None:
        self._value = value
        self._tie = tie
        self._descending = descending

    async def page(
        self,
        sql: Sql,
        statement: Select[Any],
        request: PageRequest,
        load: Callable[[RowMapping], T],
    ) -> Page[T]:
        backwards = request.from_end
        bounded = statement.where(*self._bounds(request))
        found = await sql.all(
            bounded.order_by(*self._order(reverse=backwards)).limit(request.size + 1)
        )
        rows: Sequence[RowMapping] = found[: request.size]
        more = len(found) > request.size
        beyond = await self._is_beyond(sql, statement, request)
        return Page(
            items=[load(row) for row in (reversed(rows) if backwards else rows)],
            has_next=beyond if backwards else more,
            has_previous=more if backwards else beyond,
        )

    def merged(
        self, pages: Sequence[Page[T]], request: PageRequest, key: Callable[[T], Key]
    ) -> Page[T]:
        """One page of several lists, from the same request's page of each.

        Each of those comes straight from an index; no index has several lists in one order.
        """
        if len(pages) == 1:
            return pages[0]
        items = sorted(
            (item for page in pages for item in page.items), key=key, reverse=self._descending
        )
        is_cut = len(items) > request.size
        backwards = request.from_end
        return Page(
            items=items[-request.size :] if backwards else items[: request.size],
            has_next=any(page.has_next for page in pages) or (is_cut and not backwards),
            has_previous=any(page.has_previous for page in pages) or (is_cut and backwards),
        )

    async def _is_beyond(self, sql: Sql, statement: Select[Any], request: PageRequest) -> bool:
        """Whether there are rows on the far side of the cursor that the page starts from."""
        edge = request.before if request.from_end else request.after
        if edge is None:
            return False
        behind = self._past(edge, forwards=request.from_end, inclusive=True)
        return await sql.first(statement.where(behind).limit(1)) is not None

    def _bounds(self, request: PageRequest) -> list[ColumnElement[bool]]:
        bounds = []
        if request.after is not None:
            bounds.append(self._past(request.after, forwards=True))
        if request.before is not None:
            bounds.append(self._past(request.before, forwards=False))
        return bounds

    def _past(self, key: Key, *, forwards: bool, inclusive: bool = False) -> ColumnElement[bool]:
        value, tie = key
        upwards = forwards != self._descending
        beyond = self._value > value if upwards else self._value < value
        tie_beyond = self._tie > tie if upwards else self._tie < tie
        if inclusive:
            tie_beyond = or_(tie_beyond, self._tie == tie)
        return or_(beyond, and_(self._value == value, tie_beyond))

    def _order(self, *, reverse: bool) -> list[ColumnElement[Any]]:
        descending = self._descending != reverse
        columns = (self._value, self._tie)
        return [column.desc() if descending else column.asc() for column in columns]
