from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from app.exchanges.ccxt.rest.pages import all_pages

Row = Mapping[str, Any]


class Lists:
    """A list whose pages are given, each with the cursor to the next."""

    def __init__(self, *pages: Sequence[str]) -> None:
        self._pages = pages
        self.asked: list[Row] = []
        self.next_of = {str(number): str(number + 1) for number in range(len(pages))}

    async def ask(self, params: Row) -> Sequence[Row]:
        self.asked.append(params)
        number = params.get("cursor", "0")
        rows: list[dict[str, Any]] = [
            {"id": name, "info": {"id": name}} for name in self._pages[int(number)]
        ]
        if rows and number in self.next_of:
            # ccxt sorts the rows after it put the cursor into the first.
            rows[-1]["info"]["next"] = self.next_of[number]
        return rows


async def read(lists: Lists, *, field: str | None = "next", limit: int | None = 2) -> list[str]:
    return [row["id"] for row in await all_pages(lists.ask, cursor_field=field, limit=limit)]


@pytest.mark.parametrize(
    ("pages", "requests"),
    [
        (("ab", "cd", "e"), 3),
        (("ab", "cd", ""), 3),
        (("a",), 1),
        (("",), 1),
    ],
)
async def test_pages_are_read_until_one_is_not_full(pages: Sequence[str], requests: int) -> None:
    lists = Lists(*pages)
    assert await read(lists) == list("".join(pages))
    assert lists.asked == [{}, {"cursor": "1"}, {"cursor": "2"}][:requests]


async def test_without_a_cursor_there_is_one_page() -> None:
    lists = Lists("ab", "cd")
    assert await read(lists, field=None) == ["a", "b"]
    assert lists.asked == [{}]


async def test_without_a_page_size_the_cursor_alone_counts() -> None:
    lists = Lists("abc", "d", "")
    assert await read(lists, limit=None) == list("abcd")


async def test_a_row_that_moved_to_the_next_page_is_there_once() -> None:
    assert await read(Lists("ab", "bc", "d")) == list("abcd")


@pytest.mark.parametrize("cursor", ["0", "1"])
async def test_a_cursor_that_leads_nowhere_new_ends_the_list(cursor: str) -> None:
    lists = Lists("ab", "cd")
    lists.next_of = {"0": "1", "1": cursor}
    assert await read(lists) == list("abcd")
    assert len(lists.asked) == 3


async def test_the_same_id_in_two_markets_is_two_rows() -> None:
    rows: list[Row] = [{"id": "1", "symbol": symbol} for symbol in ("BTC/USDT", "ETH/USDT")]

    async def ask(_: Row) -> Sequence[Row]:
        return rows

    assert await all_pages(ask, cursor_field=None, limit=None) == rows


async def test_rows_without_an_id_are_all_kept() -> None:
    rows: list[Row] = [{"id": None, "price": price} for price in ("1", "1")]

    async def ask(_: Row) -> Sequence[Row]:
        return rows

    assert await all_pages(ask, cursor_field=None, limit=None) == rows
