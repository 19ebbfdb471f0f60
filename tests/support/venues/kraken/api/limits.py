"""Kraken's counters: one for each key that decays, and one for each market of an account."""

from collections import Counter
from dataclasses import dataclass

from tests.support.venues.kraken.api.refusals import (
    order_rate_limit_exceeded,
    rate_limit_exceeded,
)
from tests.support.venues.serving.requests import Request, RequestKind

_PRIVATE = {
    RequestKind.ACCOUNT: 1,
    RequestKind.OPEN_ORDERS: 1,
    RequestKind.ALL_ORDERS: 1,
    RequestKind.FETCH_ORDER: 1,
    RequestKind.TRADES_BY_ID: 1,
    RequestKind.RESTRICTIONS: 1,
    RequestKind.STREAM_TOKEN: 1,
    RequestKind.CANCEL_ALL: 1,
    # The history of trades and the ledger count twice.
    RequestKind.MY_TRADES: 2,
}
# What a cancel and an amendment add to the counter of the market, by the age of the order.
_CANCEL_STEPS = ((5, 8), (10, 6), (15, 5), (45, 4), (90, 2), (300, 1))
_AMEND_STEPS = ((5, 3), (10, 2), (15, 1))
_PLACING = 1
_AMENDING = 1


@dataclass(frozen=True, kw_only=True)
class Tier:
    """How much an account may ask, by how far it is verified."""

    most: float
    decay: float
    most_in_market: float
    market_decay: float


STARTER = Tier(most=15, decay=1 / 3, most_in_market=60, market_decay=1)
INTERMEDIATE = Tier(most=20, decay=0.5, most_in_market=125, market_decay=2.34)
PRO = Tier(most=20, decay=1, most_in_market=180, market_decay=3.75)


class _Decaying:
    def __init__(self) -> None:
        self._level = 0.0
        self._at = 0

    def level(self, at: int, decay: float) -> float:
        passed = max(at - self._at, 0) / 1000
        self._level, self._at = max(self._level - passed * decay, 0.0), at
        return self._level

    def add(self, count: float) -> None:
        self._level += count


class Limits:
    """Counts always, and refuses only if the accounts have a tier."""

    def __init__(self) -> None:
        self.tier: Tier | None = None
        self.refused: Counter[RequestKind] = Counter()
        self.highest = 0.0
        self._keys: dict[str, _Decaying] = {}
        self._markets: dict[tuple[str, str], _Decaying] = {}

    def spend(self, request: Request) -> None:
        """Count a request of a key."""
        count = _PRIVATE.get(request.kind, 0)
        if not count:
            return
        tier = self.tier or STARTER
        counter = self._keys.setdefault(request.api_key or "", _Decaying())
        level = counter.level(request.at, tier.decay)
        if self.tier is not None and level + count > tier.most:
            self.refused[request.kind] += 1
            raise rate_limit_exceeded()
        counter.add(count)
        self.highest = max(self.highest, level + count)

    def place(self, account: str, symbol: str, request: Request) -> None:
        self._trade(account, symbol, request, _PLACING)

    def cancel(self, account: str, symbol: str, request: Request, *, age_seconds: float) -> None:
        self._trade(account, symbol, request, _by_age(_CANCEL_STEPS, age_seconds), is_held=False)

    def amend(self, account: str, symbol: str, request: Request, *, age_seconds: float) -> None:
        self._trade(account, symbol, request, _AMENDING + _by_age(_AMEND_STEPS, age_seconds))

    def _trade(
        self, account: str, symbol: str, request: Request, count: float, *, is_held: bool = True
    ) -> None:
        """A cancel is never refused, and counts all the same."""
        tier = self.tier or STARTER
        counter = self._markets.setdefault((account, symbol), _Decaying())
        level = counter.level(request.at, tier.market_decay)
        if self.tier is not None and is_held and level + count > tier.most_in_market:
            self.refused[request.kind] += 1
            raise order_rate_limit_exceeded()
        counter.add(count)


def _by_age(steps: tuple[tuple[int, int], ...], age_seconds: float) -> int:
    return next((count for until, count in steps if age_seconds < until), 0)
