"""Bybit's rate limits: requests per account and second, for each kind of request."""

from collections import Counter
from collections.abc import Mapping

from tests.support.venues.bybit.api.refusals import too_many_visits
from tests.support.venues.serving.requests import Request, RequestKind

_SECOND = 1000
PER_SECOND = {
    RequestKind.CREATE_ORDER: 20,
    RequestKind.CANCEL_ORDER: 20,
    RequestKind.AMEND_ORDER: 20,
    RequestKind.FETCH_ORDER: 50,
    RequestKind.OPEN_ORDERS: 50,
    RequestKind.ALL_ORDERS: 50,
    RequestKind.MY_TRADES: 50,
    RequestKind.ACCOUNT: 50,
    RequestKind.ACCOUNT_KIND: 50,
    RequestKind.RESTRICTIONS: 10,
}


class Limits:
    """Counts only where a test wants it: most tests' clocks stand still."""

    def __init__(self) -> None:
        self.is_on = False
        self._spent: Counter[tuple[int, str | None, RequestKind]] = Counter()

    def spend(self, request: Request) -> None:
        if not self.is_on or request.kind not in PER_SECOND:
            return
        place = _place(request)
        if self._spent[place] >= PER_SECOND[request.kind]:
            raise too_many_visits(reset_at=_reset_at(request))
        self._spent[place] += 1

    def headers(self, request: Request) -> Mapping[str, str]:
        if request.kind not in PER_SECOND:
            return {}
        limit = PER_SECOND[request.kind]
        left = limit - self._spent[_place(request)]
        return {
            "X-Bapi-Limit": str(limit),
            "X-Bapi-Limit-Status": str(left),
            "X-Bapi-Limit-Reset-Timestamp": str(request.at if left else _reset_at(request)),
        }


def _place(request: Request) -> tuple[int, str | None, RequestKind]:
    return request.at // _SECOND, request.api_key, request.kind


def _reset_at(request: Request) -> int:
    return (request.at // _SECOND + 1) * _SECOND
