from datetime import timedelta
from typing import Any

import pytest

from app.domain.markets.candles import CandleRequest, examine, span_of
from tests.support.makers import AT

OFFERED = ("1m", "1h")


def a_request(**changes: Any) -> CandleRequest:
    values: dict[str, Any] = {"symbol": "BTC/USDT", "timeframe": "1m", "limit": 200}
    return CandleRequest(**(values | changes))


@pytest.mark.parametrize(
    ("timeframe", "span"),
    [
        ("1s", timedelta(seconds=1)),
        ("15m", timedelta(minutes=15)),
        ("4h", timedelta(hours=4)),
        ("1d", timedelta(days=1)),
        ("2w", timedelta(weeks=2)),
        ("1M", None),
        ("1y", None),
        ("0m", None),
        ("m", None),
        ("1m ", None),
        ("\u0661m", None),
    ],
)
def test_a_timeframe_lasts_as_long_as_it_says_where_that_is_always_the_same(
    timeframe: str, span: timedelta | None
) -> None:
    assert span_of(timeframe) == span


@pytest.mark.parametrize(
    "changes", [{}, {"limit": 1}, {"limit": 1000}, {"since": AT}, {"timeframe": "1h"}]
)
def test_a_sensible_request_is_not_refused(changes: dict[str, Any]) -> None:
    assert examine(a_request(**changes), OFFERED, AT) is None


@pytest.mark.parametrize(
    ("changes", "field", "words"),
    [
        ({"timeframe": "7m"}, "timeframe", "it has 1m, 1h"),
        ({"limit": 0}, "limit", "1 to 1000"),
        ({"limit": 1001}, "limit", "1 to 1000"),
        ({"since": AT + timedelta(milliseconds=1)}, "since", "it is 2026-01-05T12:00:00.000Z"),
    ],
)
def test_what_is_wrong_is_named_with_its_limits(
    changes: dict[str, Any], field: str, words: str
) -> None:
    refusal = examine(a_request(**changes), OFFERED, AT)
    assert refusal is not None
    assert refusal.field == (field,)
    assert words in refusal.message


def test_an_exchange_without_candles_says_so() -> None:
    refusal = examine(a_request(), (), AT)
    assert refusal is not None
    assert "it has no candles" in refusal.message
