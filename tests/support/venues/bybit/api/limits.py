"""Bybit's rate limits: requests per account and second, for each kind of request."""

from collections import defaultdict
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
        self._times: defaultdict[tuple[str | None, RequestKind], list[int]] = defaultdict(list)

    def spend(self, request: Request) -> None:
        if not self.is_on or request.kind not in PER_SECOND:
            return
        times = self._recent(request)
        if len(times) >= PER_SECOND[request.kind]:
            raise too_many_visits(reset_at=times[0] + _SECOND)
        times.append(request.at)

    def headers(self, request: Request) -> Mapping[str, str]:
        if request.kind not in PER_SECOND:
            return {}
        times, limit = self._recent(request), PER_SECOND[request.kind]
        left = limit - len(times)
        return {
            "X-Bapi-Limit": str(limit),
            "X-Bapi-Limit-Status": str(left),
            "X-Bapi-Limit-Reset-Timestamp": str(request.at if left else times[0] + _SECOND),
        }

    def _recent(self, request: Request) -> list[int]:
        """When the same was asked within the last second."""
        place = request.api_key, request.kind
        self._times[place] = [at for at in self._times[place] if at > request.at - _SECOND]
        return self._times[place]
