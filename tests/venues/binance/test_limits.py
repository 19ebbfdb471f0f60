import json

import pytest

from tests.support.venues.binance.api.limits import Limits, weight_of
from tests.support.venues.binance.api.refusals import Refused
from tests.support.venues.serving.requests import Request, RequestKind


def a_request(kind: RequestKind, at: int = 0) -> Request:
    return Request(kind=kind, at=at)


def many(count: int) -> str:
    return json.dumps([f"COIN{number}USDT" for number in range(count)])


@pytest.mark.parametrize(
    ("kind", "params", "weight"),
    [
        (RequestKind.CREATE_ORDER, {"symbol": "BTCUSDT"}, 1),
        (RequestKind.CANCEL_ORDER, {"symbol": "BTCUSDT"}, 1),
        (RequestKind.FETCH_ORDER, {"symbol": "BTCUSDT"}, 4),
        (RequestKind.OPEN_ORDERS, {"symbol": "BTCUSDT"}, 6),
        (RequestKind.OPEN_ORDERS, {}, 80),
        (RequestKind.TICKER, {"symbol": "BTCUSDT"}, 2),
        (RequestKind.TICKER, {"symbols": many(20)}, 2),
        (RequestKind.TICKER, {"symbols": many(21)}, 40),
        (RequestKind.TICKER, {"symbols": many(101)}, 80),
        (RequestKind.TICKER, {}, 80),
        (RequestKind.BOOK_TICKER, {"symbol": "BTCUSDT"}, 2),
        (RequestKind.BOOK_TICKER, {"symbols": many(150)}, 4),
        (RequestKind.LAST_PRICE, {}, 4),
        (RequestKind.MY_TRADES, {"symbol": "BTCUSDT"}, 20),
        (RequestKind.MY_TRADES, {"symbol": "BTCUSDT", "orderId": "7"}, 5),
        (RequestKind.DEPTH, {"symbol": "BTCUSDT"}, 5),
        (RequestKind.DEPTH, {"symbol": "BTCUSDT", "limit": "1000"}, 50),
    ],
)
def test_each_request_weighs_what_it_weighs_at_binance(
    kind: RequestKind, params: dict[str, str], weight: int
) -> None:
    assert weight_of(Request(kind=kind, at=0, params=params)) == weight


def test_weights_are_counted_by_kind_and_the_heaviest_minute_is_kept() -> None:
    limits = Limits()
    for at in (0, 59_999, 60_000):
        limits.spend(a_request(RequestKind.ACCOUNT, at))
    limits.spend(a_request(RequestKind.TIME, 60_001))
    assert limits.spent == {RequestKind.ACCOUNT: 60, RequestKind.TIME: 1}
    assert limits.heaviest_minute == 40
    assert limits.headers(60_001)["X-MBX-USED-WEIGHT-1M"] == "21"


def test_a_minute_beyond_the_limit_is_refused_and_in_the_end_banned() -> None:
    limits = Limits(weight_limit=20)
    limits.spend(a_request(RequestKind.ACCOUNT))
    statuses = []
    for _ in range(11):
        with pytest.raises(Refused) as refused:
            limits.spend(a_request(RequestKind.TIME))
        statuses.append(refused.value.status)
    assert statuses == [429] * 10 + [418]
    assert limits.refused == 11
