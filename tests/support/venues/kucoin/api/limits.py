"""KuCoin's rate limit: units in half a minute, of an address if public and else of an account."""

from collections import defaultdict
from collections.abc import Mapping

from tests.support.venues.kucoin.api.refusals import too_many_requests
from tests.support.venues.serving.requests import Request, RequestKind

_SPAN = 30_000
# Those of the lowest tier.
MOST = {True: 4000, False: 2000}
COSTS = {
    RequestKind.TIME: 3,
    RequestKind.EXCHANGE_INFO: 4,
    RequestKind.TICKER: 15,
    RequestKind.DEPTH: 4,
    RequestKind.KLINES: 3,
    RequestKind.STREAM_TOKEN: 10,
    RequestKind.MARGIN_PAIRS: 3,
    RequestKind.ACCOUNT_KIND: 2,
    RequestKind.ACCOUNT: 5,
    RequestKind.RESTRICTIONS: 20,
    RequestKind.CREATE_ORDER: 1,
    RequestKind.CANCEL_ORDER: 1,
}
_USUAL_COST = 2


class Limits:
    """They bind only where a test lets time pass between its requests."""

    def __init__(self) -> None:
        self.are_kept = False
        self._spent: defaultdict[str | None, list[tuple[int, int]]] = defaultdict(list)

    def spend(self, request: Request) -> None:
        """Count a request; refuse it above the limit."""
        cost = COSTS.get(request.kind, _USUAL_COST)
        if self.are_kept and self._left(request) < cost:
            raise too_many_requests(reset_milliseconds=self._reset(request))
        self._recent(request).append((request.at, cost))

    def headers(self, request: Request) -> Mapping[str, str]:
        return {
            "gw-ratelimit-limit": str(self._most(request)),
            "gw-ratelimit-remaining": str(max(self._left(request), 0)),
            "gw-ratelimit-reset": str(self._reset(request)),
        }

    def _most(self, request: Request) -> int:
        return MOST[request.api_key is not None]

    def _left(self, request: Request) -> int:
        return self._most(request) - sum(cost for _, cost in self._recent(request))

    def _reset(self, request: Request) -> int:
        recent = self._recent(request)
        return recent[0][0] + _SPAN - request.at if recent else _SPAN

    def _recent(self, request: Request) -> list[tuple[int, int]]:
        """What was spent within the span, which begins with its first request."""
        spent = self._spent[request.api_key]
        if spent and request.at - spent[0][0] >= _SPAN:
            spent.clear()
        return spent
