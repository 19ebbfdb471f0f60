from datetime import UTC, datetime, timedelta

import pytest

from app.exchanges.ccxt.rest.list_spans import spans_of, traded_between

NOW = datetime(2025, 6, 1, 12, tzinfo=UTC)
DAY = 24 * 3_600_000
LAST = int(NOW.timestamp() * 1000)
MINUTE = 60_000


@pytest.mark.parametrize(("days", "count"), [(1, 1), (29, 1), (30, 1), (31, 2), (100, 4)])
def test_spans_follow_each_other_without_a_gap(days: int, count: int) -> None:
    spans = list(spans_of(LAST - days * DAY, LAST, timedelta(days=30)))
    assert len(spans) == count
    assert (spans[0][0], spans[-1][1]) == (LAST - days * DAY, LAST)
    assert all(0 < end - start <= 30 * DAY for start, end in spans)
    assert [start for start, _ in spans[1:]] == [end for _, end in spans[:-1]]


def test_trades_are_between_the_oldest_order_and_the_last_change() -> None:
    rows = [{"timestamp": LAST - days * DAY, "lastTradeTimestamp": LAST - DAY} for days in (2, 5)]
    assert traded_between(rows, NOW) == (LAST - 5 * DAY, LAST - DAY + MINUTE)


def test_an_order_that_does_not_tell_its_last_change_may_have_traded_until_now() -> None:
    rows = [
        {"timestamp": LAST - 2 * DAY},
        {"timestamp": LAST - DAY, "lastTradeTimestamp": LAST - DAY},
    ]
    assert traded_between(rows, NOW) == (LAST - 2 * DAY, LAST + MINUTE)


def test_orders_without_any_time_are_asked_for_in_the_present() -> None:
    assert traded_between([{}], NOW) == (LAST, LAST + MINUTE)
