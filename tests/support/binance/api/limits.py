"""Request weights per minute, and the refusals and bans beyond the limit."""

from collections.abc import Mapping

from tests.support.binance.api.requests import RequestKind
from tests.support.binance.engine.refusals import banned, too_many_requests

_MINUTE = 60_000
_TEN_SECONDS = 10_000
_PATIENCE = 10
WEIGHTS = {
    RequestKind.EXCHANGE_INFO: 20,
    RequestKind.TICKER: 2,
    RequestKind.BOOK_TICKER: 2,
    RequestKind.KLINES: 2,
    RequestKind.DEPTH: 5,
    RequestKind.ACCOUNT: 20,
    RequestKind.FETCH_ORDER: 4,
    RequestKind.OPEN_ORDERS: 6,
    RequestKind.ALL_ORDERS: 20,
    RequestKind.MY_TRADES: 20,
}


class Limits:
    def __init__(self, weight_limit: int = 6000) -> None:
        self.weight_limit = weight_limit
        self._minute = 0
        self._weight = 0
        self._ignored = 0
        self._orders: list[int] = []

    def spend(self, kind: RequestKind, now: int) -> None:
        """Count a request; above the limit refuse it, and ban a client that keeps asking."""
        if now // _MINUTE != self._minute:
            self._minute, self._weight, self._ignored = now // _MINUTE, 0, 0
        self._weight += WEIGHTS.get(kind, 1)
        if kind is RequestKind.CREATE_ORDER:
            self._orders.append(now)
        if self._weight > self.weight_limit:
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
