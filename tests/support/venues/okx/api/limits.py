"""Requests in two seconds, counted for each endpoint alone as OKX does."""

from collections import Counter, defaultdict

from tests.support.venues.okx.api.refusals import too_many_requests
from tests.support.venues.serving.requests import Request, RequestKind

_SPAN = 2000
# By OKX's documentation; ccxt places orders over the endpoint for several, which may do 300.
MOST = {
    RequestKind.TIME: 10,
    RequestKind.EXCHANGE_INFO: 20,
    RequestKind.TICKER: 20,
    RequestKind.DEPTH: 40,
    RequestKind.KLINES: 40,
    RequestKind.ACCOUNT: 10,
    RequestKind.RESTRICTIONS: 5,
    RequestKind.CREATE_ORDER: 300,
    RequestKind.CANCEL_ORDER: 60,
    RequestKind.AMEND_ORDER: 60,
    RequestKind.FETCH_ORDER: 60,
    RequestKind.OPEN_ORDERS: 60,
    RequestKind.CLOSED_ORDERS: 40,
    RequestKind.MY_TRADES: 10,
}


class Limits:
    """They bind only where a test lets time pass between its requests."""

    def __init__(self) -> None:
        self.are_kept = False
        self.refused: Counter[RequestKind] = Counter()
        self._recent: dict[RequestKind, list[int]] = defaultdict(list)

    def spend(self, request: Request) -> None:
        """Count a request; refuse it above the endpoint's limit."""
        recent = [at for at in self._recent[request.kind] if request.at - at < _SPAN]
        is_too_many = len(recent) >= MOST.get(request.kind, 20)
        self._recent[request.kind] = [*recent, request.at]
        if self.are_kept and is_too_many:
            self.refused[request.kind] += 1
            raise too_many_requests()
