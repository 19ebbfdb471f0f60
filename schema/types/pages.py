"""Paging shared by all connections: PageInfo, page arguments and cursors of time-sorted lists."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TypeVar

import strawberry

from app.domain.pages import Page, PageRequest
from schema import ids
from schema.scalars import Cursor

T = TypeVar("T")

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MAX_MILLISECONDS = 253_402_300_799_999
_DIGITS = re.compile(r"[0-9]{1,15}", re.ASCII)


@strawberry.type
class PageInfo:
    has_next_page: bool
    has_previous_page: bool
    start_cursor: Cursor | None
    end_cursor: Cursor | None

    @classmethod
    def of(cls, page: Page[T], cursors: Sequence[Cursor]) -> "PageInfo":
        return cls(
            has_next_page=page.has_next,
            has_previous_page=page.has_previous,
            start_cursor=cursors[0] if cursors else None,
            end_cursor=cursors[-1] if cursors else None,
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class PageArguments:
    """Relay's paging arguments, with cursors that are not yet decoded."""

    first: int | None = None
    after: Cursor | None = None
    last: int | None = None
    before: Cursor | None = None


def timed_page(list_name: str, asked: PageArguments) -> PageRequest:
    """A page of a list that is sorted by time."""
    return PageRequest.of(
        asked.first,
        asked.last,
        after=_timed_key(list_name, asked.after, "after"),
        before=_timed_key(list_name, asked.before, "before"),
    )


def _timed_key(list_name: str, cursor: Cursor | None, field: str) -> tuple[datetime, str] | None:
    if cursor is None:
        return None
    value, tie = ids.decode_place(cursor, list_name, field=field)
    # Python refuses to read more than a few thousand digits.
    is_moment = _DIGITS.fullmatch(value) is not None and int(value) <= _MAX_MILLISECONDS
    if not is_moment or not ids.is_key(tie):
        raise ids.foreign(field)
    return _EPOCH + timedelta(milliseconds=int(value)), tie
