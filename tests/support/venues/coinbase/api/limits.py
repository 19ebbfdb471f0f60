"""Coinbase's rate limits: requests per second, of a key and of the public."""

from collections import defaultdict

from tests.support.venues.coinbase.api.refusals import too_many_requests
from tests.support.venues.serving.requests import Request

PRIVATE_PER_SECOND = 30
PUBLIC_PER_SECOND = 10
_SECOND = 1000


class Limits:
    """Counts only where a test wants it: most tests' clocks stand still."""

    def __init__(self) -> None:
        self.is_on = False
        self._times: defaultdict[str | None, list[int]] = defaultdict(list)

    def spend(self, request: Request) -> None:
        if not self.is_on:
            return
        times = [at for at in self._times[request.api_key] if at > request.at - _SECOND]
        most = PUBLIC_PER_SECOND if request.api_key is None else PRIVATE_PER_SECOND
        if len(times) >= most:
            raise too_many_requests()
        self._times[request.api_key] = [*times, request.at]
