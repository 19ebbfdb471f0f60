"""Gate's rate limits: of each endpoint in ten seconds, of orders in each market in one."""

from collections import Counter, defaultdict

from tests.support.venues.gate.api.refusals import too_many_requests
from tests.support.venues.serving.requests import Request, RequestKind

_ORDERS = {RequestKind.CREATE_ORDER, RequestKind.AMEND_ORDER}
_USUAL = (200, 10_000)
_OF_ORDERS = (10, 1000)
_OF_CANCELS = (200, 1000)


class Limits:
    """They bind only where a test lets time pass between its requests."""

    def __init__(self) -> None:
        self.are_kept = False
        self.refused: Counter[RequestKind] = Counter()
        self._recent: dict[tuple[str, ...], list[int]] = defaultdict(list)

    def spend(self, request: Request) -> None:
        """Count a request; refuse it above its limit."""
        most, span = _limit_of(request)
        place = _place_of(request)
        recent = [at for at in self._recent[place] if request.at - at < span]
        self._recent[place] = [*recent, request.at]
        if self.are_kept and len(recent) >= most:
            self.refused[request.kind] += 1
            raise too_many_requests(reset_at=recent[0] + span)


def _limit_of(request: Request) -> tuple[int, int]:
    if request.kind in _ORDERS:
        return _OF_ORDERS
    return _OF_CANCELS if request.kind is RequestKind.CANCEL_ORDER else _USUAL


def _place_of(request: Request) -> tuple[str, ...]:
    """What is counted together: placing and amending in one market, or one endpoint."""
    owner = request.api_key or ""
    if request.kind in _ORDERS:
        return owner, request.params.get("currency_pair", "")
    return owner, str(request.kind)
