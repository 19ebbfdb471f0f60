"""Request weights per minute, and the refusals and bans beyond the limit."""

import json
from collections import Counter
from collections.abc import Mapping

from tests.support.venues.binance.api.refusals import banned, too_many_requests
from tests.support.venues.serving.requests import Request, RequestKind

_MINUTE = 60_000
_TEN_SECONDS = 10_000
_PATIENCE = 10
_EXCHANGE_WIDE = 80
WEIGHTS = {
    RequestKind.EXCHANGE_INFO: 20,
    RequestKind.KLINES: 2,
    RequestKind.ACCOUNT: 20,
    RequestKind.FETCH_ORDER: 4,
    RequestKind.ALL_ORDERS: 20,
    RequestKind.SUBSCRIBE: 2,
    # These count against a limit of their own.
    RequestKind.RESTRICTIONS: 0,
    RequestKind.CURRENCIES: 0,
    RequestKind.MARGIN_PAIRS: 0,
    RequestKind.OTHER_MARKETS: 0,
}


def weight_of(request: Request) -> int:
    """What the request costs, by Binance's documentation of its spot API."""
    params = request.params
    match request.kind:
        case RequestKind.TICKER:
            return 2 if "symbol" in params else _weight_of_tickers(params.get("symbols"))
        case RequestKind.BOOK_TICKER | RequestKind.LAST_PRICE:
            return 2 if "symbol" in params else 4
        case RequestKind.OPEN_ORDERS:
            return 6 if "symbol" in params else _EXCHANGE_WIDE
        case RequestKind.MY_TRADES:
            return 5 if "orderId" in params else 20
        case RequestKind.DEPTH:
            return _weight_of_depth(int(params.get("limit", 100)))
        case kind:
            return WEIGHTS.get(kind, 1)


def _weight_of_tickers(symbols: str | None) -> int:
    if symbols is None:
        return _EXCHANGE_WIDE
    count = len(json.loads(symbols))
    return 2 if count <= 20 else 40 if count <= 100 else _EXCHANGE_WIDE


def _weight_of_depth(limit: int) -> int:
    return next(
        (weight for most, weight in ((100, 5), (500, 25), (1000, 50)) if limit <= most), 250
    )


class Limits:
    def __init__(self, weight_limit: int = 6000) -> None:
        self.weight_limit = weight_limit
        self._minute = 0
        self._weight = 0
        self._ignored = 0
        self._orders: list[int] = []
        # What was spent so far, by kind, and the most in any one minute.
        self.spent: Counter[RequestKind] = Counter()
        self.heaviest_minute = 0
        self.refused = 0

    def spend(self, request: Request) -> None:
        """Count a request; above the limit refuse it, and ban a client that keeps asking."""
        now = request.at
        if now // _MINUTE != self._minute:
            self._minute, self._weight, self._ignored = now // _MINUTE, 0, 0
        weight = weight_of(request)
        self._weight += weight
        self.spent[request.kind] += weight
        self.heaviest_minute = max(self.heaviest_minute, self._weight)
        if request.kind is RequestKind.CREATE_ORDER:
            self._orders.append(now)
        if self._weight > self.weight_limit:
            self.refused += 1
            self._ignored += 1
            wait = (_MINUTE - now % _MINUTE + 999) // 1000
            if self._ignored > _PATIENCE:
                raise banned(until=now + wait * 1000, retry_after=wait)
            raise too_many_requests(limit=self.weight_limit, retry_after=wait)

    def pages(self) -> list[dict[str, object]]:
        return [
            {
                "rateLimitType": "REQUEST_WEIGHT",
                "interval": "MINUTE",
                "intervalNum": 1,
                "limit": self.weight_limit,
            }
        ]

    def headers(self, now: int) -> Mapping[str, str]:
        recent = sum(now - at < _TEN_SECONDS for at in self._orders)
        return {
            "X-MBX-USED-WEIGHT": str(self._weight),
            "X-MBX-USED-WEIGHT-1M": str(self._weight),
            "X-MBX-ORDER-COUNT-10S": str(recent),
        }
