from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from app.domain.markets.order_books import BookLevel, OrderBook
from app.exchanges.ccxt.parsing.failures import Unreadable
from app.exchanges.ccxt.parsing.order_books import order_book_of

NOW = datetime(2025, 6, 1, 12, tzinfo=UTC)
# As ccxt tells it: floats, now and then with the number of orders behind them.
ROW: dict[str, Any] = {
    "bids": [[99.99, 0.1], [99.98, 1e-08, 3]],
    "asks": [[100.01, 12345678.12345678], [100.02, 2.0]],
    "timestamp": None,
}


def a_level(price: str, amount: str) -> BookLevel:
    return BookLevel(price=Decimal(price), amount=Decimal(amount))


def read(depth: int = 5, **changes: Any) -> OrderBook:
    return order_book_of(ROW | changes, depth=depth, now=NOW)


def test_both_sides_are_exact_and_best_first() -> None:
    assert read() == OrderBook(
        bids=(a_level("99.99", "0.1"), a_level("99.98", "0.00000001")),
        asks=(a_level("100.01", "12345678.12345678"), a_level("100.02", "2")),
        at=NOW,
    )


def test_a_book_that_is_not_sorted_is_sorted_by_value() -> None:
    rows = [["9.5", "1"], ["10.5", "2"], ["10", "3"]]
    book = read(bids=rows, asks=rows)
    assert [str(level.price) for level in book.bids] == ["10.5", "10", "9.5"]
    assert [str(level.price) for level in book.asks] == ["9.5", "10", "10.5"]


def test_no_more_levels_are_told_than_are_asked_for() -> None:
    book = read(depth=1)
    assert [level.price for level in (*book.bids, *book.asks)] == [
        Decimal("99.99"),
        Decimal("100.01"),
    ]


def test_a_level_that_is_used_up_is_left_out() -> None:
    assert read(bids=[[99.99, 0.0], [99.98, 1.0]]).bids == (a_level("99.98", "1"),)


def test_the_exchanges_own_time_is_kept() -> None:
    assert read(timestamp=1748779199000).at == datetime(2025, 6, 1, 11, 59, 59, tzinfo=UTC)


@pytest.mark.parametrize(
    "rows", [None, "no", 5, [[99.99]], [["x", 1.0]], [[float("nan"), 1.0]], [[0.0, 1.0]],
             [[99.0, -1.0]], [None], [[None, None]]],
)  # fmt: skip
def test_a_book_of_which_anything_cannot_be_read_is_not_taken_for_one(rows: object) -> None:
    with pytest.raises(Unreadable):
        read(bids=rows)
