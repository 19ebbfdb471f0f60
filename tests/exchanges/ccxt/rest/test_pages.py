from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from app.exchanges.ccxt.parsing.failures import Unreadable
from app.exchanges.ccxt.parsing.page_styles import (
    CountedPages,
    CursorPages,
    NumberedPages,
    OffsetPages,
    OnePage,
    PagesOfMarkets,
    PageStyle,
    TimedPages,
)
from app.exchanges.ccxt.rest.pages import all_rows

Row = Mapping[str, Any]


class Lists:
    """A list whose pages are given, each with the cursor to the next."""

    def __init__(self, *pages: Sequence[str]) -> None:
        self._pages = pages
        self.asked: list[Row] = []
        self.next_of = {str(number): str(number + 1) for number in range(len(pages))}

    async def ask(self, _: int | None, params: Row) -> Sequence[Row]:
        self.asked.append(dict(params))
        number = params.get("cursor", "0")
        rows: list[dict[str, Any]] = [
            {"id": name, "info": {"id": name}} for name in self._pages[int(number)]
        ]
        if rows and number in self.next_of:
            # ccxt sorts the rows after it put the cursor into the first.
            rows[-1]["info"]["next"] = self.next_of[number]
        return rows


async def read(lists: Lists, *, field: str | None = "next", limit: int | None = 2) -> list[str]:
    style: PageStyle = (
        OnePage(limit=limit) if field is None else CursorPages(field=field, limit=limit)
    )
    return [row["id"] for row in await all_rows(lists.ask, style)]


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


@pytest.mark.parametrize(("cursor", "requests"), [("0", 3), ("1", 2)])
async def test_a_cursor_that_leads_nowhere_new_ends_the_list(cursor: str, requests: int) -> None:
    lists = Lists("ab", "cd")
    lists.next_of = {"0": "1", "1": cursor}
    assert await read(lists) == list("abcd")
    assert len(lists.asked) == requests


async def test_the_same_id_in_two_markets_is_two_rows() -> None:
    rows: list[Row] = [{"id": "1", "symbol": symbol} for symbol in ("BTC/USDT", "ETH/USDT")]

    async def ask(*_: object) -> Sequence[Row]:
        return rows

    assert await all_rows(ask, OnePage()) == rows


async def test_rows_without_an_id_are_all_kept() -> None:
    rows: list[Row] = [{"id": None, "price": price} for price in ("1", "1")]

    async def ask(*_: object) -> Sequence[Row]:
        return rows

    assert await all_rows(ask, OnePage()) == rows


def numbered(*numbers: int) -> list[Row]:
    return [{"id": str(one), "timestamp": one, "info": {"no": str(one)}} for one in numbers]


def in_market(symbol: str, *numbers: int) -> list[Row]:
    return [{**row, "symbol": symbol} for row in numbered(*numbers)]


STYLES: list[tuple[PageStyle, list[list[Row]], list[Row]]] = [
    (
        NumberedPages(limit=2, cursor="after", path=("no",)),
        [numbered(4, 5), numbered(2, 3), numbered(1)],
        [{}, {"after": "4"}, {"after": "2"}],
    ),
    (
        OffsetPages(limit=2, offset="ofs"),
        # One closed meanwhile, so that the third row moved to the second page.
        [numbered(4, 3), numbered(3, 2), numbered(1)],
        [{}, {"ofs": 2}, {"ofs": 4}],
    ),
    (
        TimedPages(limit=2, start="startTime"),
        [numbered(1, 2), numbered(2, 3), numbered(3)],
        [{}, {"startTime": 2}, {"startTime": 3}],
    ),
    (
        CountedPages(page="page", limit=2),
        # One came meanwhile, so that the third row is on the second page again.
        [numbered(4, 3), numbered(3, 2), numbered(1)],
        [{}, {"page": 2}, {"page": 3}],
    ),
    (
        # Two of each market: one of them has more, the others are listed to their end.
        PagesOfMarkets(page="page", size=2),
        [
            [*in_market("A", 1, 2), *in_market("B", 3, 4), *in_market("C", 5)],
            in_market("A", 6, 7),
            in_market("A", 8),
        ],
        [{}, {"page": 2}, {"page": 3}],
    ),
]


@pytest.mark.parametrize(("style", "pages", "asked"), STYLES)
async def test_each_style_asks_for_the_page_that_follows(
    style: PageStyle, pages: list[list[Row]], asked: list[Row]
) -> None:
    seen: list[Row] = []

    async def ask(limit: int | None, params: Row) -> Sequence[Row]:
        assert limit == style.limit
        seen.append(dict(params))
        return pages[len(seen) - 1]

    rows = await all_rows(ask, style, {"trades": "true"})
    assert seen == [{"trades": "true", **params} for params in asked]
    assert {row["id"] for row in rows} == {row["id"] for page in pages for row in page}
    assert len({row["id"] for row in rows}) == len(rows)


@pytest.mark.parametrize("style", [style for style, _, _ in STYLES])
async def test_a_list_that_is_always_the_same_ends(style: PageStyle) -> None:
    asked: list[Row] = []

    async def ask(_: int | None, params: Row) -> Sequence[Row]:
        asked.append(params)
        return numbered(1, 2)

    assert len(await all_rows(ask, style)) == 2
    assert len(asked) == 2


async def test_rows_without_their_number_are_unreadable() -> None:
    async def ask(*_: object) -> Sequence[Row]:
        return [{"id": "1", "info": {}}]

    with pytest.raises(Unreadable):
        await all_rows(ask, NumberedPages(limit=1, cursor="after", path=("no",)))
