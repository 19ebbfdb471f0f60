from datetime import UTC, datetime, timedelta

import pytest

from app.exchanges.ccxt.rest.trade_spans import spans_of

NOW = datetime(2025, 6, 1, 12, tzinfo=UTC)
DAY = 24 * 3_600_000
LAST = int(NOW.timestamp() * 1000)
MINUTE = 60_000


@pytest.mark.parametrize(("days", "count"), [(0, 1), (29, 1), (30, 2), (31, 2), (100, 4)])
def test_spans_follow_each_other_without_a_gap(days: int, count: int) -> None:
    rows = [{"timestamp": LAST - days * DAY, "lastTradeTimestamp": LAST}]
    spans = list(spans_of(rows, timedelta(days=30), now=NOW))
    assert len(spans) == count
    assert (spans[0][0], spans[-1][1]) == (LAST - days * DAY, LAST + MINUTE)
    assert all(end - start <= 30 * DAY for start, end in spans)
    assert [start for start, _ in spans[1:]] == [end for _, end in spans[:-1]]


def test_an_order_that_does_not_tell_its_last_change_may_have_traded_until_now() -> None:
    rows = [
        {"timestamp": LAST - 2 * DAY},
        {"timestamp": LAST - DAY, "lastTradeTimestamp": LAST - DAY},
    ]
    assert list(spans_of(rows, None, now=NOW)) == [(LAST - 2 * DAY, LAST + MINUTE)]


def test_orders_without_any_time_are_asked_for_in_the_present() -> None:
    assert list(spans_of([{}], timedelta(days=30), now=NOW)) == [(LAST, LAST + MINUTE)]
